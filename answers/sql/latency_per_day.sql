/*
title: Latency per day
question: Do answers take longer than they did?
place: 100
reads: [message]
about: |
  Model calls that succeeded. A quantile is the smallest time that at least this share of the calls did not exceed. The time
  to the first token counts calls that were streamed; without any it is NULL.
columns:
  project: Project
  day: Day (UTC)
  model: Model
  calls: Model calls
  p50_ms: "Half of the calls took this long or less, in milliseconds"
  p90_ms: 90% of the calls did
  p95_ms: 95% of the calls did
  p99_ms: 99% of the calls did
  first_token_p50_ms: "Half of the streamed calls had their first token after this time or less, in milliseconds"
  first_token_p95_ms: 95% of the streamed calls did
chart: {mark: line, title: "Latency per day, 95% of the calls", x: day, y: [p95_ms], color: model, facet: project, format: ms, y_label: milliseconds}
order: day DESC, project, model
sample: SELECT * FROM answer_latency_per_day ORDER BY day DESC, project, model LIMIT 4
*/
SELECT
    project, toDate(created_at, 'UTC') AS day, model, count() AS calls,
    quantileExactWeighted(0.5)(assumeNotNull(latency_ms), 1) AS p50_ms,
    quantileExactWeighted(0.9)(assumeNotNull(latency_ms), 1) AS p90_ms,
    quantileExactWeighted(0.95)(assumeNotNull(latency_ms), 1) AS p95_ms,
    quantileExactWeighted(0.99)(assumeNotNull(latency_ms), 1) AS p99_ms,
    quantileExactWeighted(0.5)(first_token_ms, 1) AS first_token_p50_ms,
    quantileExactWeighted(0.95)(first_token_ms, 1) AS first_token_p95_ms
FROM message
WHERE latency_ms IS NOT NULL AND error_type IS NULL AND model != ''
GROUP BY project, day, model
