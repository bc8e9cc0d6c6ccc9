/*
title: pass@k
question: How likely is it that at least one of k attempts passes, and that all of them do?
place: 40
reads: [eval_result]
about: |
  The estimators are unbiased: of a case with n attempts in a run, c of which passed, pass@k is 1 - C(n-c, k) / C(n, k), and
  the chance that all pass is C(c, k) / C(n, k). A case that several runs have tried counts once, with the mean of the
  runs. Cases with fewer than k attempts in a run do not count there; k goes up to 100.
columns:
  project: Project
  model: Model under test
  suite: Suite
  category: Category of the cases
  k: Number of attempts
  cases: Cases with at least k attempts in a run
  pass_at_k: "Chance that at least one of k attempts passes, from 0 to 1"
  standard_error: Standard error of pass_at_k over cases; NULL with a single case
  all_of_k: "Chance that all k attempts pass, from 0 to 1"
chart: {mark: line, title: "pass@k", x: k, y: [pass_at_k], color: model, facet: suite, format: percent, x_label: attempts, y_label: at least one passes, average: cases}
sample: SELECT * FROM answer_pass_at_k ORDER BY project, model, suite, category, k LIMIT 4
*/
WITH
    by_run AS
    (
        SELECT project, model, suite, category, run_id, case_id, count() AS n, countIf(passed) AS c
        FROM eval_result
        GROUP BY project, model, suite, category, run_id, case_id
    ),
    by_case AS
    (
        SELECT
            project, model, suite, category, case_id, arrayJoin(range(1, least(n, 100) + 1)) AS k,
            avg(if(c = 0, 0, 1 - arrayProduct(i -> 1 - k / i, range(toUInt64(n - c + 1), n + 1)))) AS one,
            avg(arrayProduct(i -> if(i < c, c - i, 0) / (n - i), range(k))) AS every
        FROM by_run
        GROUP BY project, model, suite, category, case_id, k
    )
SELECT
    project, model, suite, category, k, count() AS cases, avg(one) AS pass_at_k,
    if(cases = 1, NULL, stddevSamp(one) / sqrt(cases)) AS standard_error,
    avg(every) AS all_of_k
FROM by_case
GROUP BY project, model, suite, category, k
