//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import "strings"

// userGrants returns what the engine's user may do: everything inside the engine, and nothing with the machine that it
// runs on. The engine trusts its users more than a ClickHouse server does, since it takes itself for the command line
// tool clickhouse-local. Without these limits, whoever has the DSN could
//
//   - read and write files of the host by the function file, the table engine File, and others (SOURCES, TABLE ENGINE),
//   - run shell commands by a dictionary with an EXECUTABLE source (CREATE DICTIONARY),
//   - send requests to any address by url, s3, mysql, and so on (SOURCES, TABLE ENGINE),
//   - stop the engine, or its listeners (SYSTEM SHUTDOWN, SYSTEM LISTEN).
//
// Other ClickHouse servers can be reached (REMOTE): Distributed tables need it.
//
// It is a fence and not a prison. Known to slip through: the function sqlite and the setting disk of a table create an
// empty file or directory before they are refused, and a disk of the type web or s3 sends requests.
func userGrants() []string {
	engines := make([]string, len(userEngines))
	for i, name := range userEngines {
		engines[i] = "TABLE ENGINE ON " + name
	}
	return []string{
		"GRANT ALL ON *.*",
		"REVOKE SOURCES ON *.*",
		"GRANT REMOTE ON *.*",
		"REVOKE TABLE ENGINE ON *",
		"GRANT " + strings.Join(engines, ", "),
		"REVOKE CREATE DICTIONARY ON *.*",
		"REVOKE SYSTEM SHUTDOWN, SYSTEM LISTEN ON *.*",
	}
}

// userEngines are the engines of tables and databases that keep their data inside the engine or in other ClickHouse
// servers.
var userEngines = []string{
	// Databases.
	"Atomic", "Replicated", "Memory",
	// Tables with data.
	"MergeTree", "ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree", "CollapsingMergeTree",
	"VersionedCollapsingMergeTree", "CoalescingMergeTree", "GraphiteMergeTree",
	"ReplicatedMergeTree", "ReplicatedReplacingMergeTree", "ReplicatedSummingMergeTree",
	"ReplicatedAggregatingMergeTree", "ReplicatedCollapsingMergeTree", "ReplicatedVersionedCollapsingMergeTree",
	"ReplicatedCoalescingMergeTree", "ReplicatedGraphiteMergeTree",
	"Log", "TinyLog", "StripeLog", "Set", "Join", "Buffer", "KeeperMap",
	// Tables without data of their own.
	"View", "MaterializedView", "Merge", "Distributed", "Alias", "Null", "GenerateRandom",
}
