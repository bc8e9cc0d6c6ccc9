CREATE TABLE IF NOT EXISTS `ttl_rules`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY `id`
TTL toDateTime(created_at) + INTERVAL 30 DAY DELETE WHERE id = 'x', created_at + toIntervalDay(90) RECOMPRESS CODEC(ZSTD(9))
SETTINGS non_replicated_deduplication_window = 10000
