CREATE TABLE IF NOT EXISTS `sorted_by_all`
(
    `string`                 String,
    `low_cardinality_string` LowCardinality(String),
    `bool`                   Bool,
    `uint16`                 UInt16,
    `uint32`                 UInt32,
    `float32`                Float32,
    `float64`                Float64,
    `datetime64`             DateTime64(3, 'UTC')   CODEC(Delta(8), ZSTD(1)),
    `int8`                   Int8,
    `int16`                  Int16,
    `int32`                  Int32,
    `int64`                  Int64,
    `uint8`                  UInt8,
    `uint64`                 UInt64,
    `date`                   Date,
    `uuid`                   UUID,
    `decimal`                Decimal(18, 4),
    `enum`                   Enum8('low' = 1, 'it\'s' = 2, 'high' = 3)
)
ENGINE = MergeTree
ORDER BY (`string`, `low_cardinality_string`, `bool`, `uint16`, `uint32`, `float32`, `float64`, `datetime64`, `int8`, `int16`, `int32`, `int64`, `uint8`, `uint64`, `date`, `uuid`, `decimal`, `enum`)
SETTINGS non_replicated_deduplication_window = 10000
