CREATE TABLE IF NOT EXISTS `events` ON CLUSTER `it's \`main\``
(
    `id` String,
    `at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplicatedMergeTree
ORDER BY `id`
SETTINGS replicated_deduplication_window = 10000
