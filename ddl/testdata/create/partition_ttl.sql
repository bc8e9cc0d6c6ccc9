CREATE TABLE IF NOT EXISTS `partition_ttl`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY `id`
TTL created_at + INTERVAL 1 YEAR
SETTINGS non_replicated_deduplication_window = 10000
