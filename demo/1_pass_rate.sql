-- Pass rate in percent, by model and category
SELECT
    model,
    round(100 * avgIf(passed, category = 'math')) AS math,
    round(100 * avgIf(passed, category = 'logic')) AS logic,
    round(100 * avgIf(passed, category = 'common_sense')) AS sense,
    round(100 * avgIf(passed, category = 'generate')) AS generate,
    round(100 * avgIf(passed, category = 'repair')) AS repair,
    round(100 * avgIf(passed, category = 'explain')) AS explain,
    round(100 * avgIf(passed, category = 'tone')) AS tone,
    round(100 * avgIf(passed, category = 'policy')) AS policy,
    round(100 * avgIf(passed, category = 'handover')) AS handover,
    round(100 * avg(passed), 1) AS all_cases
FROM eval_result
GROUP BY model
ORDER BY all_cases DESC, model
