-- The metrics of the engine, and the tables of the database, for Prometheus.
SELECT name, value, help, labels, type FROM (
	SELECT 'ClickHouseMetrics_' || replaceRegexpAll(metric, '[^A-Za-z0-9_]', '_') AS name, toFloat64(value) AS value, description AS help, CAST(map(), 'Map(String, String)') AS labels, 'gauge' AS type
	FROM system.metrics
	UNION ALL
	SELECT 'ClickHouseProfileEvents_' || replaceRegexpAll(event, '[^A-Za-z0-9_]', '_'), toFloat64(value), description, CAST(map(), 'Map(String, String)'), 'counter'
	FROM system.events
	UNION ALL
	SELECT 'factload_uptime_seconds', toFloat64(uptime()), 'Time since the engine was started.', CAST(map(), 'Map(String, String)'), 'gauge'
	UNION ALL
	SELECT 'factload_table_rows', toFloat64(ifNull(total_rows, 0)), 'Rows of a table.', map('database', database, 'table', table), 'gauge'
	FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
	UNION ALL
	SELECT 'factload_table_bytes', toFloat64(ifNull(total_bytes, 0)), 'Compressed size of a table.', map('database', database, 'table', table), 'gauge'
	FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
	UNION ALL
	SELECT 'factload_table_parts', toFloat64(count()), 'Active parts of a table.', map('database', database, 'table', table), 'gauge'
	FROM system.parts WHERE active AND database = currentDatabase() GROUP BY database, table
	UNION ALL
	SELECT 'factload_disk_free_bytes', toFloat64(free_space), 'Free space of a disk.', map('disk', name), 'gauge'
	FROM system.disks
	UNION ALL
	SELECT 'factload_mutations_unfinished', toFloat64(count()), 'Mutations that are not done.', CAST(map(), 'Map(String, String)'), 'gauge'
	FROM system.mutations WHERE NOT is_done AND database = currentDatabase()
)
ORDER BY name
FORMAT Prometheus
