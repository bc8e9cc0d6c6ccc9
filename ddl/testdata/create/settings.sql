CREATE TABLE IF NOT EXISTS `settings`
(
    `id` String
)
ENGINE = MergeTree
ORDER BY `id`
SETTINGS
    enable_block_number_column = true,
    index_granularity = 4096,
    min_bytes_for_wide_part = 0,
    non_replicated_deduplication_window = 0,
    ratio_of_defaults_for_sparse_serialization = 0.5,
    storage_policy = 'default'
