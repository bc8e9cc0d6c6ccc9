/*
title: Pass rate over time
question: When did the pass rate of a model change?
place: 20
reads: [eval_result]
about: |
  For each day that has attempts, the seven such days before it are compared with the seven that begin with it, by the
  z-test of two proportions. p_adjusted corrects for the number of days of the model and suite. A day is a change point
  when p_adjusted is below 0.05 and no day within six of them has a greater |z|. When the same cases are tried each day,
  the true error rate is lower than the stated one, since the test takes attempts for independent. The interval of the
  day is Wilson's.
columns:
  project: Project
  model: Model under test
  suite: Suite
  day: Day (UTC)
  attempts: Attempts of the day
  rate: "Share of them that passed, from 0 to 1"
  low: Lower end of the 95% interval of the rate
  high: Upper end of the 95% interval of the rate
  before: Pass rate of the seven days before; NULL on the first day
  after: Pass rate of the seven days from this one on
  z: "How unlike before and after are, in standard errors; NULL when they cannot be compared"
  p_adjusted: "Chance of a |z| this great if nothing changed, corrected for the number of days; NULL when z is"
  change: "-1 the rate fell, 1 it rose, 0 no change point"
chart: {mark: line, title: Pass rate per day, x: day, y: [rate], low: low, high: high, color: model, facet: suite, format: percent, y_label: attempts that passed, mark_when: change}
order: day DESC, project, model, suite
sample: SELECT model, suite, day, rate, z, change FROM answer_pass_rate_changes ORDER BY abs(z) DESC, project, model, suite, day LIMIT 4
*/
WITH
    1.959963984540054 AS z95,
    (p, n, side) -> (2 * n * p + z95 * z95 + side * z95 * sqrt(z95 * z95 + 4 * n * p * (1 - p))) / (2 * (n + z95 * z95)) AS wilson,
    days AS
    (
        SELECT project, model, suite, toDate(created_at, 'UTC') AS day, count() AS n, countIf(passed) AS k
        FROM eval_result
        GROUP BY project, model, suite, day
    ),
    windows AS
    (
        SELECT
            *,
            sum(n) OVER (PARTITION BY project, model, suite ORDER BY day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS n0,
            sum(k) OVER (PARTITION BY project, model, suite ORDER BY day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS k0,
            sum(n) OVER (PARTITION BY project, model, suite ORDER BY day ROWS BETWEEN CURRENT ROW AND 6 FOLLOWING) AS n1,
            sum(k) OVER (PARTITION BY project, model, suite ORDER BY day ROWS BETWEEN CURRENT ROW AND 6 FOLLOWING) AS k1
        FROM days
    ),
    tests AS
    (
        SELECT
            *, (k0 + k1) / (n0 + n1) AS pooled,
            if(n0 = 0 OR pooled IN (0, 1), NULL, (k1 / n1 - k0 / n0) / sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))) AS z,
            count(z) OVER (PARTITION BY project, model, suite) AS comparisons,
            max(abs(z)) OVER (PARTITION BY project, model, suite ORDER BY day ROWS BETWEEN 6 PRECEDING AND 6 FOLLOWING) AS greatest_z
        FROM windows
    )
SELECT
    project, model, suite, day, n AS attempts, k / n AS rate, greatest(0, wilson(rate, n, -1)) AS low, least(1, wilson(rate, n, 1)) AS high,
    if(n0 = 0, NULL, k0 / n0) AS before, k1 / n1 AS after, z, if(isNull(z), NULL, least(1, comparisons * erfc(abs(z) / sqrt(2)))) AS p_adjusted,
    toInt8(if(p_adjusted < 0.05 AND abs(z) >= greatest_z, assumeNotNull(sign(z)), 0)) AS change
FROM tests
