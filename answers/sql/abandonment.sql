/*
title: Abandoned conversations
question: How often do users give up?
place: 170
reads: [conversation]
about: The interval is Wilson's, at 95%.
columns:
  project: Project
  model: Model that answered
  channel: Channel
  conversations: Conversations
  abandoned: Those that the user left
  rate: "Share of the conversations, from 0 to 1"
  low: Lower end of the 95% interval of the rate
  high: Upper end of the 95% interval of the rate
  escalated: Those that went to a person
  failed: Those that ended in an error
chart: {mark: interval, title: "Share of conversations that users left, with 95% intervals", y: channel, x: rate, low: low, high: high, color: model, facet: project, format: percent, x_label: conversations that were left}
sample: SELECT * FROM answer_abandonment ORDER BY project, model, channel LIMIT 4
*/
WITH
    1.959963984540054 AS z,
    (p, n, side) -> (2 * n * p + z * z + side * z * sqrt(z * z + 4 * n * p * (1 - p))) / (2 * (n + z * z)) AS wilson
SELECT
    project, model, channel, count() AS conversations, countIf(status = 'abandoned') AS abandoned, abandoned / conversations AS rate,
    greatest(0, wilson(rate, conversations, -1)) AS low, least(1, wilson(rate, conversations, 1)) AS high,
    countIf(status = 'escalated') AS escalated, countIf(status = 'failed') AS failed
FROM conversation
GROUP BY project, model, channel
