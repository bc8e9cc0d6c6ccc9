CREATE TABLE IF NOT EXISTS `types`
(
    `string`                 String                 CODEC(ZSTD(1)),
    `low_cardinality_string` LowCardinality(String),
    `bool`                   Bool,
    `uint16`                 UInt16,
    `uint32`                 UInt32,
    `float32`                Float32,
    `float64`                Float64,
    `datetime64`             DateTime64(3, 'UTC')   CODEC(Delta(8), ZSTD(1)),
    `json`                   String                 DEFAULT '{}' COMMENT '[json]' CODEC(ZSTD(1)),
    `int8`                   Int8,
    `int16`                  Int16,
    `int32`                  Int32,
    `int64`                  Int64,
    `uint8`                  UInt8,
    `uint64`                 UInt64,
    `date`                   Date,
    `uuid`                   UUID,
    `decimal`                Decimal(18, 4),
    `enum`                   Enum8('low' = 1, 'it\'s' = 2, 'high' = 3),
    `string_map`             Map(String, String)    CODEC(ZSTD(1)),
    `native_json`            JSON                   CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY tuple()
SETTINGS non_replicated_deduplication_window = 10000
