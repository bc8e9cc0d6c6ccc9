CREATE TABLE IF NOT EXISTS `comments`
(
    `id`   String,
    `text` String COMMENT 'it\'s a \\ `comment`\nof two lines' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'what\'s \'this\'?\n\tüñï'
