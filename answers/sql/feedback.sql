/*
title: Feedback
question: How do users rate the answers?
place: 140
reads: [message]
about: |
  A rating is good from 0.5 on. The interval of the share of good ones is Wilson's, at 95%; that of the mean is normal, and
  NULL with a single rating.
columns:
  project: Project
  model: Model
  answers: Messages of the model
  rated: Those with a rating
  mean: "Mean rating, from 0 to 1"
  mean_low: Lower end of the 95% interval of the mean
  mean_high: Upper end of the 95% interval of the mean
  good: Good ratings
  good_rate: "Share of the ratings that are good, from 0 to 1"
  low: Lower end of the 95% interval of good_rate
  high: Upper end of the 95% interval of good_rate
chart: {mark: interval, title: "Share of good ratings, with 95% intervals", y: model, x: good_rate, low: low, high: high, color: model, facet: project, format: percent, x_label: ratings that are good}
sample: SELECT * FROM answer_feedback ORDER BY project, model LIMIT 4
*/
WITH
    1.959963984540054 AS z,
    (p, n, side) -> (2 * n * p + z * z + side * z * sqrt(z * z + 4 * n * p * (1 - p))) / (2 * (n + z * z)) AS wilson
SELECT
    project, model, count() AS answers, count(score) AS rated, avg(score) AS mean,
    if(rated < 2, NULL, mean - z * stddevSamp(score) / sqrt(rated)) AS mean_low,
    if(rated < 2, NULL, mean + z * stddevSamp(score) / sqrt(rated)) AS mean_high,
    countIf(score >= 0.5) AS good, good / rated AS good_rate,
    greatest(0, wilson(good_rate, rated, -1)) AS low, least(1, wilson(good_rate, rated, 1)) AS high
FROM message
WHERE model != ''
GROUP BY project, model
HAVING rated > 0
