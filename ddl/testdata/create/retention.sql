CREATE TABLE IF NOT EXISTS `retention`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY `id`
TTL `created_at` + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000
