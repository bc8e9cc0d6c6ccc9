-- Tokens per day, the last ten days
SELECT
    toDate(created_at) AS day,
    count() AS messages,
    sum(prompt_tokens) AS prompt_tokens,
    sum(completion_tokens) AS completion_tokens,
    round(sum(cost_usd), 2) AS usd
FROM message
GROUP BY day
ORDER BY day DESC
LIMIT 10
