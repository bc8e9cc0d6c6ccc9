/*
title: Pass rate
question: How often does a model pass the cases of a suite, and how sure is that?
place: 10
reads: [eval_result]
about: |
  The interval is Wilson's, at 95%. When cases were tried more than once, in one run or in several, their attempts are
  not independent of each other. Then the variance is that of a sample clustered by case, and Wilson's interval is
  computed with the number of independent attempts that would have this variance. Attempts that ended in an error count
  as not passed.
columns:
  project: Project
  model: Model under test
  suite: Suite
  category: Category of the cases
  cases: Cases that were tried
  attempts: Attempts at them
  errors: Attempts that ended in an error
  passed: Attempts that passed
  rate: "Share of attempts that passed, from 0 to 1"
  effective: Number of independent attempts that would tell as much
  low: Lower end of the 95% interval of the rate
  high: Upper end of the 95% interval of the rate
chart: {mark: interval, title: "Pass rate by category, with 95% intervals", x: rate, low: low, high: high, y: category, color: model, facet: suite, format: percent, x_label: attempts that passed}
sample: SELECT * FROM answer_pass_rate ORDER BY project, model, suite, category LIMIT 4
*/
WITH
    1.959963984540054 AS z,
    (p, n, side) -> (2 * n * p + z * z + side * z * sqrt(z * z + 4 * n * p * (1 - p))) / (2 * (n + z * z)) AS wilson,
    by_case AS
    (
        SELECT project, model, suite, category, case_id, count() AS m, countIf(passed) AS k, countIf(error_type IS NOT NULL) AS failed
        FROM eval_result
        GROUP BY project, model, suite, category, case_id
    ),
    sums AS
    (
        SELECT
            project, model, suite, category, count() AS cases, sum(m) AS attempts, sum(failed) AS errors, sum(k) AS passed, passed / attempts AS rate,
            cases / (cases - 1) * (sum(k * k) - 2 * rate * sum(k * m) + rate * rate * sum(m * m)) / (attempts * attempts) AS variance
        FROM by_case
        GROUP BY project, model, suite, category
    )
SELECT
    project, model, suite, category, cases, attempts, errors, passed, rate,
    multiIf(
        attempts = cases, toFloat64(attempts),
        cases = 1 OR passed IN (0, attempts), toFloat64(cases),
        variance * attempts <= rate * (1 - rate), toFloat64(attempts),
        rate * (1 - rate) / variance) AS effective,
    greatest(0, wilson(rate, effective, -1)) AS low,
    least(1, wilson(rate, effective, 1)) AS high
FROM sums
