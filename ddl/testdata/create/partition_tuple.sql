CREATE TABLE IF NOT EXISTS `partition_tuple`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY (toYYYYMM( `created_at` ), cityHash64(id) % 4)
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
