CREATE TABLE IF NOT EXISTS `events_local` ON CLUSTER `main`
(
    `id` String,
    `at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', at)
ORDER BY `id`
SETTINGS replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `events` ON CLUSTER `main`
(
    `id` String,
    `at` DateTime64(3, 'UTC')
)
ENGINE = Distributed('main', currentDatabase(), 'events_local', cityHash64(id, at))
