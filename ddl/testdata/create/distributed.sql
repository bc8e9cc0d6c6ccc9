CREATE TABLE IF NOT EXISTS `events_local` ON CLUSTER `it's \`main\``
(
    `id` String,
    `at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'spread';

CREATE TABLE IF NOT EXISTS `events` ON CLUSTER `it's \`main\``
(
    `id` String,
    `at` DateTime64(3, 'UTC')
)
ENGINE = Distributed('it\'s `main`', currentDatabase(), 'events_local', cityHash64(id))
COMMENT 'spread'
