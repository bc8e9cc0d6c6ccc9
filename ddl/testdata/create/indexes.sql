CREATE TABLE IF NOT EXISTS `indexes`
(
    `id`   String,
    `body` String CODEC(ZSTD(1)),
    `a b`  UInt32,
    INDEX `by_id` id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX `by body` lower(body) TYPE ngrambf_v1(3, 256, 2, 0) GRANULARITY 1,
    INDEX `by_token` body TYPE tokenbf_v1(512, 3, 0),
    INDEX `by_text` body TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX `by_number` `a b` TYPE minmax,
    INDEX `by_set` (`a b`, id) TYPE set(100) GRANULARITY 2
)
ENGINE = MergeTree
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
