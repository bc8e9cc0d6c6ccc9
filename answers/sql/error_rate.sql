/*
title: Errors and refusals
question: How often do model calls fail, refuse or stop early?
place: 110
reads: [message]
about: |
  A call is a message that a model wrote, or failed to write. It is a refusal when the message says so (refused), or when a
  content filter ended it. The intervals are Wilson's, at 95%.
columns:
  project: Project
  day: Day (UTC)
  model: Model
  calls: Model calls
  errors: Calls that ended in an error
  error_rate: "Share of the calls, from 0 to 1"
  error_low: Lower end of the 95% interval of error_rate
  error_high: Upper end of the 95% interval of error_rate
  refusals: Calls that the model or a content filter refused
  refusal_rate: "Share of the calls, from 0 to 1"
  refusal_low: Lower end of the 95% interval of refusal_rate
  refusal_high: Upper end of the 95% interval of refusal_rate
  cut_off: Calls that stopped at the limit of tokens
chart: {mark: line, title: Error rate per day, x: day, y: [error_rate], low: error_low, high: error_high, color: model, facet: project, format: percent, y_label: calls with an error}
order: day DESC, project, model
sample: SELECT project, day, model, calls, errors, error_rate, error_low, error_high FROM answer_error_rate ORDER BY day DESC, project, model LIMIT 4
*/
WITH
    1.959963984540054 AS z,
    (p, n, side) -> (2 * n * p + z * z + side * z * sqrt(z * z + 4 * n * p * (1 - p))) / (2 * (n + z * z)) AS wilson
SELECT
    project, toDate(created_at, 'UTC') AS day, model, count() AS calls,
    countIf(error_type IS NOT NULL) AS errors, errors / calls AS error_rate,
    greatest(0, wilson(error_rate, calls, -1)) AS error_low, least(1, wilson(error_rate, calls, 1)) AS error_high,
    countIf(refused = true OR finish_reason IN ('content_filter', 'refusal')) AS refusals, refusals / calls AS refusal_rate,
    greatest(0, wilson(refusal_rate, calls, -1)) AS refusal_low, least(1, wilson(refusal_rate, calls, 1)) AS refusal_high,
    countIf(finish_reason IN ('length', 'max_tokens')) AS cut_off
FROM message
WHERE model != ''
GROUP BY project, day, model
