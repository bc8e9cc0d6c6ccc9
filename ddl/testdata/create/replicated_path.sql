CREATE TABLE IF NOT EXISTS `events`
(
    `id` String,
    `at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/events', '{replica}', at)
ORDER BY `id`
SETTINGS replicated_deduplication_window = 500
