-- Longest conversations
SELECT
    conversation_id,
    count() AS messages,
    sum(prompt_tokens + completion_tokens) AS tokens,
    dateDiff('second', min(created_at), max(created_at)) AS seconds,
    any(user_id) AS user
FROM message
GROUP BY conversation_id
ORDER BY messages DESC, tokens DESC, conversation_id
LIMIT 10
