package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/schemas"
)

// tableChecks are about the tables of the database.
func tableChecks(registry *schemas.Registry) []check {
	return []check{
		{"deduplication", "a repeated insert is stored once", checkDeduplication},
		{"window", "every table remembers its last inserts", rows(
			`SELECT name AS name, engine AS a, '' AS b FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND engine NOT LIKE 'Replicated%' AND engine NOT LIKE 'Shared%'
			AND name NOT LIKE '.inner%' AND toUInt64OrZero(extract(engine_full, 'non_replicated_deduplication_window = (\\d+)')) = 0
			AND NOT (SELECT toUInt64(value) > 0 FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window')`,
			func(r row) finding {
				return finding{Found: fmt.Sprintf("table %s has no deduplication window: an insert that is repeated after a broken connection is stored twice", r.Name), Advice: "ALTER TABLE " + ddl.QuoteIdent(r.Name) + " MODIFY SETTING non_replicated_deduplication_window = 10000"}
			})},
		{"window rate", "every table remembers the inserts of ten minutes", rows(windowRateSQL, func(r row) finding {
			return finding{
				Found:  fmt.Sprintf("table %s had %s inserts in five minutes, and remembers %s: an insert that is repeated later is stored twice", r.Name, r.A, r.B),
				Advice: "insert less often and more at once, or let it remember more: ALTER TABLE " + ddl.QuoteIdent(r.Name) + " MODIFY SETTING non_replicated_deduplication_window = 100000",
			}
		})},
		{"schemas", "every table is as its schema says", checkDrift(registry)},
		{"ttl", "no row outlives the TTL of its table", rows(ttlSQL, func(r row) finding {
			if r.A == "expired" {
				return finding{
					Found:  fmt.Sprintf("table %s: %s parts hold only rows whose time is over for more than a day", r.Name, r.B),
					Advice: "see that merges by TTL are not stopped (SYSTEM START TTL MERGES); ALTER TABLE " + ddl.QuoteIdent(r.Name) + " MATERIALIZE TTL deletes the rows now",
				}
			}
			return finding{
				Found:  fmt.Sprintf("table %s: %s parts are older than its TTL, and their rows stay", r.Name, r.B),
				Advice: "ALTER TABLE " + ddl.QuoteIdent(r.Name) + " MATERIALIZE TTL makes the TTL hold for them too",
			}
		})},
		{"views", "every view can be read", checkViews},
		{"loads", "no load is unfinished", checkLoads},
	}
}

// windowRateSQL finds tables that forget an insert in less than ten minutes, by the parts that the inserts of the last five
// have made. The server keeps parts that were merged for eight minutes.
const windowRateSQL = `WITH toUInt64OrZero(extract(t.engine_full, 'non_replicated_deduplication_window = (\\d+)')) AS own,
	(SELECT toUInt64(value) FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window') AS usual
SELECT t.name AS name, toString(p.inserts) AS a, toString(if(own > 0, own, usual)) AS b
FROM system.tables AS t
INNER JOIN (
	SELECT table, count() AS inserts FROM system.parts
	WHERE database = currentDatabase() AND level = 0 AND modification_time > now() - 300 GROUP BY table
) AS p ON p.table = t.name
WHERE t.database = currentDatabase() AND t.engine LIKE '%MergeTree' AND t.engine NOT LIKE 'Replicated%' AND t.engine NOT LIKE 'Shared%'
	AND if(own > 0, own, usual) > 0 AND 2 * p.inserts > if(own > 0, own, usual)`

// ttlSQL finds parts that a TTL should have deleted, and those that it does not know of. The time of the latter is 0.
const ttlSQL = `SELECT p.table AS name, if(toUnixTimestamp(p.delete_ttl_info_max) = 0, 'unknown', 'expired') AS a, toString(count()) AS b
FROM system.parts AS p INNER JOIN system.tables AS t ON t.name = p.table AND t.database = p.database
WHERE p.active AND p.rows > 0 AND p.database = currentDatabase() AND match(t.engine_full, '\\sTTL\\s') AND match(t.engine_full, 'TTL [^,]*(DELETE|SETTINGS|$)')
	AND p.delete_ttl_info_max < now() - 86400
GROUP BY name, a ORDER BY name, a`

// checkDrift compares the tables with their schemas.
func checkDrift(registry *schemas.Registry) func(context.Context, *clickhouse.Client) ([]finding, error) {
	return func(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
		definitions, err := knownSchemas(ctx, client, registry)
		if err != nil {
			return nil, err
		}
		migrator := migrate.New(client)
		for _, def := range definitions {
			table, err := ddl.NewTable(def.Schema, def.Table)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", def.Source, err)
			}
			differing, err := drifted(ctx, migrator, table)
			if err != nil {
				return nil, err
			}
			for _, plan := range differing {
				var reasons []string
				for _, s := range plan.Statements {
					if !s.Optional {
						reasons = append(reasons, s.Why)
					}
				}
				found = append(found, finding{
					Found:  fmt.Sprintf("table %s differs from its schema: %s", plan.Place(), strings.Join(append(reasons, plan.Notes...), "; ")),
					Advice: "factload plan " + def.Schema.Name + " shows what to do, with --schemas if the schema is from a file that no load has used",
				})
			}
		}
		return found, nil
	}
}

// drifted returns the plans for the tables of a schema that are there and differ from it.
func drifted(ctx context.Context, m *migrate.Migrator, table ddl.Table) ([]migrate.HostPlan, error) {
	tables := []ddl.Table{table}
	if table.Distributed != nil {
		var err error
		if tables, err = ddl.Expand(table); err != nil {
			return nil, err
		}
	}
	var out []migrate.HostPlan
	for _, table := range tables {
		plans, err := m.PlanHosts(ctx, table, "")
		if err != nil {
			return nil, err
		}
		for _, plan := range plans {
			if plan.Fingerprint != ddl.Absent && plan.Drift() {
				out = append(out, plan)
			}
		}
	}
	return out, nil
}

// knownSchemas returns the schemas of files, those that the database keeps, and the built-in ones, one of each name.
func knownSchemas(ctx context.Context, client *clickhouse.Client, registry *schemas.Registry) ([]schemas.Definition, error) {
	kept, err := cli.KeptSchemas(ctx, client)
	if err != nil {
		return nil, err
	}
	definitions := registry.All()
	for _, k := range kept {
		i := slices.IndexFunc(definitions, func(d schemas.Definition) bool { return d.Schema.Name == k.Schema.Name })
		switch {
		case i < 0:
			definitions = append(definitions, k.Definition)
		case definitions[i].IsBuiltin():
			definitions[i] = k.Definition
		}
	}
	return definitions, nil
}

// checkDeduplication inserts a row twice, with one token, into a table of its own.
func checkDeduplication(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
	table := "`_factload_doctor_" + strings.ToLower(rand.Text()) + "`"
	if err := client.Exec(ctx, "CREATE TABLE "+table+" (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 100"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Exec(context.WithoutCancel(ctx), "DROP TABLE "+table)) }()
	for range 2 {
		if err := client.Exec(ctx, "INSERT INTO "+table+" SETTINGS insert_deduplication_token = 'doctor' VALUES (1)"); err != nil {
			return nil, err
		}
	}
	var stored []uint64
	if err := client.Select(ctx, &stored, "SELECT count() FROM "+table); err != nil {
		return nil, err
	}
	if stored[0] == 1 {
		return nil, nil
	}
	return []finding{{Found: "the same insert, repeated, was stored twice", Advice: "the user's settings switch deduplication off: let insert_deduplicate be 1 and deduplicate_insert be enable in its profile"}}, nil
}

func checkViews(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
	var views []string
	if err := client.Select(ctx, &views, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine IN ('View', 'MaterializedView') ORDER BY name"); err != nil {
		return nil, err
	}
	for _, name := range views {
		if err := client.Exec(ctx, "EXPLAIN PLAN SELECT * FROM "+ddl.QuoteIdent(name)); err != nil {
			found = append(found, finding{Found: fmt.Sprintf("view %s cannot be read: %v", name, err), Advice: "create what it reads or writes, or change or drop the view: as long as it is broken, inserts into its table fail"})
		}
	}
	return found, nil
}

func checkLoads(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
	records, err := bulk.Loads(ctx, client)
	if err != nil {
		return nil, err
	}
	for i := range records {
		if records[i].State == bulk.LoadUnfinished {
			found = append(found, finding{
				Found:  fmt.Sprintf("the load of %s, begun %s UTC, is unfinished", show.Files(records[i].Files), records[i].Started.UTC().Format(time.DateTime)),
				Advice: "if it is not running, run the same load again: it goes on where it was",
			})
		}
	}
	return found, nil
}
