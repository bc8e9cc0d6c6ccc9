/*
title: Length of conversations
question: How many turns do conversations take?
place: 150
reads: [message]
about: |
  A turn is a message of the user. The model of a conversation is the one that answered last. Conversations of 50 turns
  and more are counted at 50.
columns:
  project: Project
  model: Model that answered last; empty when none did
  turns: Messages of the user
  conversations: Conversations of this length
  share: "Share of the model's conversations, from 0 to 1"
  messages: Mean number of messages of all roles
  tokens: Mean number of tokens read and written
  seconds: Mean time from the first to the last message
chart: {mark: bar, title: Turns of a conversation, x: turns, y: share, color: model, facet: project, bin: 1, format: percent, x_label: messages of the user, y_label: share of conversations}
sample: SELECT * FROM answer_conversation_length ORDER BY project, model, turns LIMIT 4
*/
WITH by_conversation AS
    (
        SELECT
            project, argMaxIf(model, (created_at, turn, id), model != '') AS answered, countIf(role = 'user') AS questions, count() AS n,
            sum(prompt_tokens + completion_tokens) AS used, dateDiff('millisecond', min(created_at), max(created_at)) AS lasted
        FROM message
        GROUP BY project, conversation_id
    )
SELECT
    project, answered AS model, least(questions, 50) AS turns, count() AS conversations,
    conversations / sum(conversations) OVER (PARTITION BY project, answered) AS share,
    avg(n) AS messages, avg(used) AS tokens, avg(lasted) / 1000 AS seconds
FROM by_conversation
GROUP BY project, answered, turns
