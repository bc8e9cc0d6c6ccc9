CREATE TABLE IF NOT EXISTS `types_nullable`
(
    `string`                 Nullable(String)                 CODEC(ZSTD(1)),
    `low_cardinality_string` LowCardinality(Nullable(String)),
    `bool`                   Nullable(Bool),
    `uint16`                 Nullable(UInt16),
    `uint32`                 Nullable(UInt32),
    `float32`                Nullable(Float32),
    `float64`                Nullable(Float64),
    `datetime64`             Nullable(DateTime64(3, 'UTC'))   CODEC(Delta(8), ZSTD(1)),
    `json`                   Nullable(String)                 COMMENT '[json]' CODEC(ZSTD(1)),
    `int8`                   Nullable(Int8),
    `int16`                  Nullable(Int16),
    `int32`                  Nullable(Int32),
    `int64`                  Nullable(Int64),
    `uint8`                  Nullable(UInt8),
    `uint64`                 Nullable(UInt64),
    `date`                   Nullable(Date),
    `uuid`                   Nullable(UUID),
    `decimal`                Nullable(Decimal(18, 4)),
    `enum`                   Nullable(Enum8('low' = 1, 'it\'s' = 2, 'high' = 3))
)
ENGINE = MergeTree
ORDER BY tuple()
SETTINGS non_replicated_deduplication_window = 10000
