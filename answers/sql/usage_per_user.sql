/*
title: Tokens and cost per user
question: Which users cost most?
place: 130
reads: [message, model_price]
about: |
  cost_usd is the cost that was recorded with the messages. price_usd is what their tokens cost by the table of prices,
  model_price, at the time of each message; messages whose model had no price then are counted in unpriced and cost nothing.
columns:
  project: Project
  user_id: End user
  model: Model; empty for messages that no model wrote
  messages: Messages of all roles
  prompt_tokens: Tokens that models read
  completion_tokens: Tokens that models wrote
  cost_usd: Cost as recorded, in US dollars
  price_usd: "Cost by the table of prices, in US dollars"
  unpriced: Messages with tokens whose model had no price
chart: {mark: bar, title: "Cost by user, the ten that cost most", y: user_id, x: cost_usd, color: model, facet: project, stack: true, format: usd, x_label: US dollars, top: 10, where: [model]}
order: cost_usd DESC, user_id, project, model
sample: SELECT * FROM answer_usage_per_user WHERE model != '' ORDER BY cost_usd DESC, user_id LIMIT 4
*/
WITH prices AS
    (
        SELECT model, valid_from, argMax((prompt_usd, completion_usd), (created_at, id)) AS usd
        FROM model_price
        GROUP BY model, valid_from
    )
SELECT
    m.project AS project, m.user_id AS user_id, m.model AS model, count() AS messages,
    sum(m.prompt_tokens) AS prompt_tokens, sum(m.completion_tokens) AS completion_tokens, sum(m.cost_usd) AS cost_usd,
    sum(m.prompt_tokens * p.usd.1 + m.completion_tokens * p.usd.2) / 1e6 AS price_usd,
    countIf(p.model = '' AND m.prompt_tokens + m.completion_tokens > 0) AS unpriced
FROM message AS m
ASOF LEFT JOIN prices AS p ON m.model = p.model AND m.created_at >= p.valid_from
GROUP BY project, user_id, model
