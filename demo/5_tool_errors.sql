-- Top tool errors
SELECT
    tool_name,
    error_type,
    count() AS errors,
    round(100 * count() / any(calls), 1) AS percent_of_calls,
    round(avg(latency_ms)) AS avg_ms
FROM tool_call
INNER JOIN (SELECT tool_name, count() AS calls FROM tool_call GROUP BY tool_name) AS totals USING (tool_name)
WHERE NOT success
GROUP BY tool_name, error_type
ORDER BY errors DESC, tool_name, error_type
LIMIT 10
