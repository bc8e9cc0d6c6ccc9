CREATE TABLE IF NOT EXISTS `replacing`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
