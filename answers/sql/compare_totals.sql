/*
title: Totals of two runs
question: What did two runs cost, and how long did they take?
place: 70
reads: [eval_result]
parameters: {run_a: the run to compare with, run_b: the run in question}
about: All attempts of the runs count, also at cases that only one of them has. Mean and quantile leave out what is NULL.
columns:
  metric: "cases, attempts, errors, score, latency_p50, latency_p95, prompt_tokens, completion_tokens or cost"
  unit: "Unit of a and b; empty for counts and scores"
  a: Value of run A; NULL when there is none
  b: Value of run B; NULL when there is none
sample: SELECT * FROM answer_compare_totals(run_a = 'd1ad5ba8a5390d78', run_b = '7d2d41f3891f0a17')
*/
WITH
    totals AS
    (
        SELECT
            run_id = {run_b:String} AS second,
            [
                toFloat64(uniqExact(suite, category, case_id)), toFloat64(count()), toFloat64(countIf(error_type IS NOT NULL)), avg(score),
                toFloat64(quantileExactWeighted(0.5)(latency_ms, 1)), toFloat64(quantileExactWeighted(0.95)(latency_ms, 1)),
                toFloat64(sum(prompt_tokens)), toFloat64(sum(completion_tokens)), sum(cost_usd)
            ] AS values
        FROM eval_result
        WHERE run_id IN ({run_a:String}, {run_b:String})
        GROUP BY second
    ),
    [
        ('cases', ''), ('attempts', ''), ('errors', ''), ('score', ''), ('latency_p50', 'ms'), ('latency_p95', 'ms'),
        ('prompt_tokens', ''), ('completion_tokens', ''), ('cost', 'USD')
    ] AS metrics
SELECT
    metrics[i].1 AS metric, metrics[i].2 AS unit,
    anyIf(values[i], NOT second) AS a, anyIf(values[i], second) AS b
FROM totals
ARRAY JOIN range(1, length(metrics) + 1) AS i
GROUP BY i
ORDER BY i
