CREATE TABLE IF NOT EXISTS `summing`
(
    `id` String,
    `n`  UInt64,
    `m`  UInt64
)
ENGINE = SummingMergeTree((n, m))
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
