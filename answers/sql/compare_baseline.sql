/*
title: Several runs against one
question: Which runs are better or worse than a baseline?
place: 80
reads: [eval_result]
parameters: {baseline: the run to compare with}
about: |
  Every run that shares cases with the baseline is compared with it as in the comparison of two runs. p_adjusted corrects
  by Holm's method for the number of runs.
columns:
  run_id: Run that is compared with the baseline
  model: Model of the run
  cases: Cases in both runs
  rate_baseline: Pass rate of the baseline on them
  rate: Pass rate of the run on them
  difference: "rate - rate_baseline, from -1 to 1"
  low: Lower end of the 95% interval of the difference
  high: Upper end of the 95% interval of the difference
  better: Cases that passed more often than in the baseline
  worse: Cases that passed less often than in the baseline
  p_value: "Chance of a split of better and worse at least as uneven, if the runs do not differ"
  p_adjusted: p_value corrected for the number of runs
sample: SELECT run_id, model, cases, difference, p_adjusted FROM answer_compare_baseline(baseline = 'd1ad5ba8a5390d78') ORDER BY p_value, run_id LIMIT 4
*/
WITH
    1.959963984540054 AS z,
    (n, k) -> least(1, 2 * arraySum(i -> exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) - n * log(2)), range(k + 1))) AS sign_test,
    baseline AS
    (
        SELECT suite, category, case_id, avg(passed) AS rate
        FROM eval_result
        WHERE run_id = {baseline:String}
        GROUP BY suite, category, case_id
    ),
    others AS
    (
        SELECT run_id, any(model) AS model, suite, category, case_id, avg(passed) AS rate
        FROM eval_result
        WHERE run_id != {baseline:String}
        GROUP BY run_id, suite, category, case_id
    ),
    sums AS
    (
        SELECT
            others.run_id AS run_id, any(others.model) AS model, count() AS cases, avg(baseline.rate) AS rate_baseline, avg(others.rate) AS mean_rate,
            countIf(others.rate > baseline.rate) AS better, countIf(others.rate < baseline.rate) AS worse,
            sum(others.rate - baseline.rate) / (cases + 2) AS mean,
            sqrt(((sum(pow(others.rate - baseline.rate, 2)) + 2) / (cases + 2) - mean * mean) / (cases + 2)) AS deviation
        FROM others
        INNER JOIN baseline USING (suite, category, case_id)
        GROUP BY run_id
    ),
    tests AS (SELECT *, sign_test(better + worse, least(better, worse)) AS p_value FROM sums),
    ranks AS (SELECT *, (count() OVER () - row_number() OVER (ORDER BY p_value, run_id) + 1) * p_value AS raised FROM tests)
SELECT
    run_id, model, cases, rate_baseline, mean_rate AS rate, mean_rate - rate_baseline AS difference,
    greatest(-1, mean - z * deviation) AS low, least(1, mean + z * deviation) AS high, better, worse, p_value,
    least(1, max(raised) OVER (ORDER BY p_value, run_id ROWS UNBOUNDED PRECEDING)) AS p_adjusted
FROM ranks
