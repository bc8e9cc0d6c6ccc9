-- Pass rate by model and category, and the price of a hundred passes
SELECT
    model,
    round(100 * avgIf(passed, category = 'math'), 1) AS math,
    round(100 * avgIf(passed, category = 'coding'), 1) AS coding,
    round(100 * avgIf(passed, category NOT IN ('math', 'coding')), 1) AS other,
    round(100 * avg(passed), 1) AS all_cases,
    count() AS results,
    round(100 * sum(cost_usd) / countIf(passed), 2) AS usd_per_100_passes
FROM eval_result
GROUP BY model
ORDER BY all_cases DESC, model
