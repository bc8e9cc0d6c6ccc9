CREATE TABLE IF NOT EXISTS `columns`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    `body`       String               CODEC(ZSTD(9)) TTL created_at + INTERVAL 30 DAY,
    `plain`      String               CODEC(Default),
    `n`          UInt64               CODEC(T64, LZ4HC(9))
)
ENGINE = MergeTree
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
