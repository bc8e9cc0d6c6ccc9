/*
title: Time between turns
question: How long do users wait for an answer, and how long do they take to go on?
place: 160
reads: [message]
about: |
  The time from one message of a conversation to the next one, where the user and the assistant take turns: from the end of
  one to the end of the other. A quantile is the smallest time that at least this share of the turns did not exceed.
columns:
  project: Project
  model: Model that answered
  speaker: "Whose turn it was: assistant or user"
  turns: Turns
  p50_s: "Half of the turns took this long or less, in seconds"
  p95_s: 95% of the turns did
chart: {mark: dots, title: Time between turns, y: model, x: [p50_s, p95_s], facet: speaker, format: s, x_label: seconds}
sample: SELECT * FROM answer_turn_times ORDER BY project, model, speaker LIMIT 4
*/
WITH turns AS
    (
        SELECT
            project, role, model, created_at,
            lagInFrame(role) OVER w AS role_before, lagInFrame(model) OVER w AS model_before,
            dateDiff('millisecond', lagInFrame(created_at, 1, created_at) OVER w, created_at) AS took
        FROM message
        WHERE role IN ('user', 'assistant')
        WINDOW w AS (PARTITION BY project, conversation_id ORDER BY created_at, turn, id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
SELECT
    project, if(role = 'user', model_before, turns.model) AS model, role AS speaker, count() AS turns,
    quantileExactWeighted(0.5)(took, 1) / 1000 AS p50_s, quantileExactWeighted(0.95)(took, 1) / 1000 AS p95_s
FROM turns
WHERE role_before NOT IN ('', role)
GROUP BY project, if(role = 'user', model_before, turns.model), role
