//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"slices"
	"strings"
)

// userGrants returns what the engine's user may do: everything inside the engine, and nothing with the machine that it
// runs on. The engine trusts its users more than a ClickHouse server does, since it takes itself for the command line
// tool clickhouse-local. Without these limits, whoever has the DSN could
//
//   - read and write files of the host by the function file, the table engine File, and others (SOURCES, TABLE ENGINE),
//   - run shell commands by a dictionary with an EXECUTABLE source (CREATE DICTIONARY),
//   - send requests to any address by url, s3, mysql, and so on (SOURCES, TABLE ENGINE),
//   - do all this by a view that runs with nobody's rights, or with another user's (ALLOW SQL SECURITY NONE, SET DEFINER),
//   - stop the engine, or its listeners (SYSTEM SHUTDOWN, SYSTEM LISTEN).
//
// They are a list of what is granted, so that what a new version of the engine brings is not. What no grant closes, a
// table's own disk and the targets of BACKUP, the sandbox closes.
func userGrants(remote bool) []string {
	grants := []string{
		"GRANT " + strings.Join(userPrivileges, ", ") + " ON *.*",
	}
	for _, name := range userEngines {
		grants = append(grants, "GRANT TABLE ENGINE ON "+name)
	}
	if remote {
		grants = append(grants, "GRANT REMOTE ON *.*", "GRANT TABLE ENGINE ON Distributed")
	}
	return grants
}

// userPrivileges are the privileges of the engine's user, as groups where everything in the group stays inside.
var userPrivileges = []string{
	"SHOW", "SELECT", "INSERT", "ALTER", "CREATE DATABASE", "CREATE TABLE", "CREATE VIEW", "CREATE FUNCTION",
	"CREATE TEMPORARY TABLE", "CREATE ARBITRARY TEMPORARY TABLE", "DROP", "UNDROP TABLE", "TRUNCATE", "OPTIMIZE", "CHECK",
	"BACKUP", "KILL QUERY", "KILL TRANSACTION", "MOVE PARTITION BETWEEN SHARDS", "SHOW ACCESS", "dictGet", "INTROSPECTION",
	"SYSTEM DROP CACHE", "SYSTEM MERGES", "SYSTEM TTL MERGES", "SYSTEM MOVES", "SYSTEM CLEANUP", "SYSTEM VIEWS",
	"SYSTEM FLUSH", "SYSTEM WAIT LOADING PARTS", "SYSTEM VIRTUAL PARTS UPDATE", "SYSTEM SENDS", "SYSTEM UNFREEZE",
	"SYSTEM LOAD PRIMARY KEY", "SYSTEM UNLOAD PRIMARY KEY", "SYSTEM SYNC REPLICA", "SYSTEM RESTART REPLICA",
}

// userEngines are the engines of tables and databases that keep their data inside the engine.
var userEngines = slices.Concat(
	[]string{ // databases
		"Atomic", "Replicated", "Memory",
	},
	[]string{ // tables with data
		"MergeTree", "ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree", "CollapsingMergeTree",
		"VersionedCollapsingMergeTree", "CoalescingMergeTree", "GraphiteMergeTree",
		"ReplicatedMergeTree", "ReplicatedReplacingMergeTree", "ReplicatedSummingMergeTree",
		"ReplicatedAggregatingMergeTree", "ReplicatedCollapsingMergeTree", "ReplicatedVersionedCollapsingMergeTree",
		"ReplicatedCoalescingMergeTree", "ReplicatedGraphiteMergeTree",
		"Log", "TinyLog", "StripeLog", "Set", "Join", "Buffer", "KeeperMap",
	},
	[]string{ // tables without data of their own
		"View", "MaterializedView", "Merge", "Alias", "Null", "GenerateRandom",
	},
)

// profile is the users' settings: those that no statement may change, since they give a table a disk of its own, or let
// one take what the engine's environment has; and that a request which the sandbox refuses is not repeated for minutes.
const profile = `<s3_retry_attempts>0</s3_retry_attempts><backup_restore_s3_retry_attempts>0</backup_restore_s3_retry_attempts>
<constraints><merge_tree_disk><const/></merge_tree_disk>
<dynamic_disk_allow_from_env><const/></dynamic_disk_allow_from_env>
<dynamic_disk_allow_include><const/></dynamic_disk_allow_include>
<dynamic_disk_allow_from_zk><const/></dynamic_disk_allow_from_zk></constraints>`
