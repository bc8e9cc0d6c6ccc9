/*
title: Cases that two runs disagree on
question: Which cases did run B pass more or less often than run A?
place: 60
reads: [eval_result]
parameters: {run_a: the run to compare with, run_b: the run in question}
about: The texts are those of the first attempt.
columns:
  suite: Suite
  category: Category of the case
  case_id: Case
  rate_a: Share of attempts that passed in run A
  rate_b: Share of attempts that passed in run B
  input: What the model was asked
  expected: Answer that was wanted
  output_a: Answer in run A
  output_b: Answer in run B
sample: SELECT category, case_id, rate_a, rate_b FROM answer_compare_flips(run_a = 'd1ad5ba8a5390d78', run_b = '7d2d41f3891f0a17') ORDER BY case_id LIMIT 4
*/
WITH by_run AS
    (
        SELECT
            suite, category, case_id, run_id = {run_b:String} AS second, avg(passed) AS rate,
            argMin((input, expected, output), (attempt, created_at, id)) AS texts
        FROM eval_result
        WHERE run_id IN ({run_a:String}, {run_b:String})
        GROUP BY suite, category, case_id, second
    )
SELECT
    suite, category, case_id, sumIf(rate, NOT second) AS rate_a, sumIf(rate, second) AS rate_b,
    anyIf(texts, NOT second).1 AS input, anyIf(texts, NOT second).2 AS expected,
    anyIf(texts, NOT second).3 AS output_a, anyIf(texts, second).3 AS output_b
FROM by_run
GROUP BY suite, category, case_id
HAVING count() = 2 AND rate_a != rate_b
