-- Latency of chat answers by model
SELECT
    model,
    count() AS answers,
    quantileExact(0.50)(latency_ms) AS p50_ms,
    quantileExact(0.95)(latency_ms) AS p95_ms,
    quantileExact(0.95)(first_token_ms) AS p95_first_token_ms
FROM message
WHERE model != '' AND error_type IS NULL
GROUP BY model
ORDER BY p50_ms, model
