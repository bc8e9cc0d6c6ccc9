/*
title: Tokens and cost per day
question: How many tokens are used each day, by which models, and what do they cost?
place: 120
reads: [message, model_price]
about: |
  cost_usd is the cost that was recorded with the messages. price_usd is what their tokens cost by the table of prices,
  model_price, at the time of each message; messages whose model had no price then are counted in unpriced and cost nothing.
columns:
  project: Project
  day: Day (UTC)
  model: Model; empty for messages that no model wrote
  messages: Messages of all roles
  prompt_tokens: Tokens that models read
  completion_tokens: Tokens that models wrote
  cost_usd: Cost as recorded, in US dollars
  price_usd: "Cost by the table of prices, in US dollars"
  unpriced: Messages with tokens whose model had no price
chart: {mark: bar, title: Cost per day as recorded, x: day, y: cost_usd, color: model, facet: project, stack: true, format: usd, y_label: US dollars, where: [model]}
order: day DESC, project, model
sample: SELECT * FROM answer_usage_per_day WHERE model != '' ORDER BY day DESC, project, model LIMIT 4
*/
WITH prices AS
    (
        SELECT model, valid_from, argMax((prompt_usd, completion_usd), (created_at, id)) AS usd
        FROM model_price
        GROUP BY model, valid_from
    )
SELECT
    m.project AS project, toDate(m.created_at, 'UTC') AS day, m.model AS model, count() AS messages,
    sum(m.prompt_tokens) AS prompt_tokens, sum(m.completion_tokens) AS completion_tokens, sum(m.cost_usd) AS cost_usd,
    sum(m.prompt_tokens * p.usd.1 + m.completion_tokens * p.usd.2) / 1e6 AS price_usd,
    countIf(p.model = '' AND m.prompt_tokens + m.completion_tokens > 0) AS unpriced
FROM message AS m
ASOF LEFT JOIN prices AS p ON m.model = p.model AND m.created_at >= p.valid_from
GROUP BY project, day, model
