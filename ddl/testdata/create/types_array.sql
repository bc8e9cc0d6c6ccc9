CREATE TABLE IF NOT EXISTS `types_array`
(
    `string`                 Array(String)                 CODEC(ZSTD(1)),
    `low_cardinality_string` Array(LowCardinality(String)),
    `bool`                   Array(Bool),
    `uint16`                 Array(UInt16),
    `uint32`                 Array(UInt32),
    `float32`                Array(Float32),
    `float64`                Array(Float64),
    `datetime64`             Array(DateTime64(3, 'UTC'))   CODEC(Delta(8), ZSTD(1)),
    `json`                   Array(String)                 COMMENT '[json]' CODEC(ZSTD(1)),
    `int8`                   Array(Int8),
    `int16`                  Array(Int16),
    `int32`                  Array(Int32),
    `int64`                  Array(Int64),
    `uint8`                  Array(UInt8),
    `uint64`                 Array(UInt64),
    `date`                   Array(Date),
    `uuid`                   Array(UUID),
    `decimal`                Array(Decimal(18, 4)),
    `enum`                   Array(Enum8('low' = 1, 'it\'s' = 2, 'high' = 3))
)
ENGINE = MergeTree
ORDER BY tuple()
SETTINGS non_replicated_deduplication_window = 10000
