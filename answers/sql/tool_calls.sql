/*
title: Tool calls
question: Which tools fail, and do retries help?
place: 180
reads: [tool_call]
about: |
  Every attempt is a row. An attempt whose number is above 1 is a retry; a call is what its first attempt began. The
  interval is Wilson's, at 95%, of the attempts.
columns:
  project: Project
  tool_name: Tool
  model: Model that asked for the calls
  attempts: Attempts
  failures: Attempts that failed
  failure_rate: "Share of the attempts, from 0 to 1"
  low: Lower end of the 95% interval of failure_rate
  high: Upper end of the 95% interval of failure_rate
  calls: Calls
  retries: Attempts after the first
  recovered: Calls that succeeded by a retry
  lost: Calls that never succeeded
  p95_ms: "95% of the attempts took this long or less, in milliseconds; NULL when no time is known"
chart: {mark: interval, title: "Share of tool calls that fail, with 95% intervals", y: tool_name, x: failure_rate, low: low, high: high, color: model, facet: project, format: percent, x_label: attempts that failed}
sample: SELECT tool_name, model, attempts, failures, failure_rate, low, high, retries, recovered, lost FROM answer_tool_calls ORDER BY failures DESC, project, tool_name, model LIMIT 4
*/
WITH
    1.959963984540054 AS z,
    (p, n, side) -> (2 * n * p + z * z + side * z * sqrt(z * z + 4 * n * p * (1 - p))) / (2 * (n + z * z)) AS wilson
SELECT
    project, tool_name, model, count() AS attempts, countIf(NOT success) AS failures, failures / attempts AS failure_rate,
    greatest(0, wilson(failure_rate, attempts, -1)) AS low, least(1, wilson(failure_rate, attempts, 1)) AS high,
    countIf(attempt <= 1) AS calls, countIf(attempt > 1) AS retries, countIf(success AND attempt > 1) AS recovered,
    greatest(0, toInt64(calls) - toInt64(countIf(success))) AS lost,
    quantileExactWeighted(0.95)(latency_ms, 1) AS p95_ms
FROM tool_call
GROUP BY project, tool_name, model
