CREATE TABLE IF NOT EXISTS `unsorted`
(
    `id` String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY tuple()
SETTINGS non_replicated_deduplication_window = 10000
