CREATE TABLE IF NOT EXISTS `it's a \`table\``
(
    `select`   String,
    `a b`      String,
    `a\`b`     String,
    `a\\b`     String,
    `a'b`      String,
    `a"b`      String,
    `a\nb`     String,
    `ünï`      String,
    `тест`     String,
    `TTL`      String,
    `SETTINGS` String
)
ENGINE = MergeTree
ORDER BY (`select`, `a b`, `a\`b`, `a\\b`, `a'b`, `a"b`, `a\nb`, `ünï`, `тест`, `TTL`, `SETTINGS`)
SETTINGS non_replicated_deduplication_window = 10000
