CREATE TABLE IF NOT EXISTS `primary_key`
(
    `id`         String,
    `created_at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PRIMARY KEY `id`
ORDER BY (`id`, `created_at`)
SETTINGS non_replicated_deduplication_window = 10000
