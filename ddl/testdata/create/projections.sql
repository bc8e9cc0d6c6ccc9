CREATE TABLE IF NOT EXISTS `projections`
(
    `id`   String,
    `role` LowCardinality(String),
    `a b`  UInt32,
    PROJECTION `by number` (select `a b`, id
order by `a b`),
    PROJECTION `roles` (SELECT role, count() AS n, sum(`a b`) GROUP BY role)
)
ENGINE = MergeTree
ORDER BY `id`
SETTINGS non_replicated_deduplication_window = 10000
