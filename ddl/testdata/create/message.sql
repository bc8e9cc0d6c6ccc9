CREATE TABLE IF NOT EXISTS `message`
(
    `conversation_id` String                 COMMENT 'the conversation',
    `role`            LowCardinality(String),
    `content`         String                 CODEC(ZSTD(1)),
    `prompt_tokens`   UInt32                 DEFAULT 0,
    `score`           Nullable(Float64),
    `tags`            Array(String)          CODEC(ZSTD(1)),
    `payload`         String                 DEFAULT '{}' COMMENT '[json]' CODEC(ZSTD(1)),
    `created_at`      DateTime64(3, 'UTC')   CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (`conversation_id`, `created_at`)
SETTINGS non_replicated_deduplication_window = 10000
