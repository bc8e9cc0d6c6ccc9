package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
)

// check looks for one kind of trouble. It finds nothing when all is well.
type check struct {
	name, fine string
	look       func(context.Context, *clickhouse.Client) ([]finding, error)
}

// From where on a number is a finding.
const (
	clockLimit = 5 * time.Second
	freeLimit  = 0.1 // of the disk
	partsLimit = 300 // active parts of a partition; the server slows inserts down from 1,000 on
)

var checks = []check{
	{"connection", "", checkConnection},
	{"clock", "the server's clock and this one agree", checkClock},
	{"disk", "more than a tenth of each disk is free", rows(
		`SELECT name AS name, toString(free_space) AS a, toString(total_space) AS b FROM system.disks WHERE total_space > 0 AND free_space < total_space * `+fmt.Sprint(freeLimit),
		func(r row) finding {
			return finding{Found: fmt.Sprintf("disk %s: %s of %s are free", r.Name, sizeOf(r.A), sizeOf(r.B)), Advice: "drop old tables or partitions, set a TTL, or make the disk larger: inserts fail when it is full"}
		})},
	{"parts", "no partition has too many parts", rows(
		`SELECT table AS name, partition AS a, toString(count()) AS b FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table, partition HAVING count() > `+fmt.Sprint(partsLimit),
		func(r row) finding {
			return finding{Found: fmt.Sprintf("table %s, partition %s: %s parts wait to be merged", r.Name, r.A, r.B), Advice: "insert less often and more at once, use fewer partitions, and see that merges are not stopped (SYSTEM START MERGES)"}
		})},
	{"mutations", "no mutation fails", rows(
		`SELECT table AS name, command AS a, latest_fail_reason AS b FROM system.mutations WHERE NOT is_done AND latest_fail_reason != '' AND database = currentDatabase()`,
		func(r row) finding {
			return finding{Found: fmt.Sprintf("table %s: the mutation %s fails: %s", r.Name, r.A, r.B), Advice: "remove the reason, or end it: KILL MUTATION WHERE table = '" + r.Name + "'"}
		})},
	{"deduplication", "a repeated insert is stored once", checkDeduplication},
	{"window", "every table remembers its last inserts", rows(
		`SELECT name AS name, engine AS a, '' AS b FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND engine NOT LIKE 'Replicated%' AND engine NOT LIKE 'Shared%'
			AND name NOT LIKE '.inner%' AND toUInt64OrZero(extract(engine_full, 'non_replicated_deduplication_window = (\\d+)')) = 0
			AND NOT (SELECT toUInt64(value) > 0 FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window')`,
		func(r row) finding {
			return finding{Found: fmt.Sprintf("table %s has no deduplication window: an insert that is repeated after a broken connection is stored twice", r.Name), Advice: "ALTER TABLE " + ddl.QuoteIdent(r.Name) + " MODIFY SETTING non_replicated_deduplication_window = 10000"}
		})},
	{"views", "every view can be read", checkViews},
	{"loads", "no load is unfinished", checkLoads},
}

// row is an answer of three texts.
type row struct {
	Name string `ch:"name"`
	A    string `ch:"a"`
	B    string `ch:"b"`
}

// rows is a check that finds something for each row of a query.
func rows(sql string, found func(row) finding) func(context.Context, *clickhouse.Client) ([]finding, error) {
	return func(ctx context.Context, client *clickhouse.Client) (out []finding, err error) {
		var answer []row
		if err := client.Select(ctx, &answer, sql); err != nil {
			return nil, err
		}
		for _, r := range answer {
			out = append(out, found(r))
		}
		return out, nil
	}
}

func sizeOf(bytes string) string {
	var n float64
	_, _ = fmt.Sscan(bytes, &n) // the server wrote a number
	return units.BytesSize(n)
}

func checkConnection(ctx context.Context, client *clickhouse.Client) ([]finding, error) {
	var answer []row
	begin := time.Now()
	if err := client.Select(ctx, &answer, "SELECT version() AS name, currentUser() AS a, currentDatabase() AS b"); err != nil {
		return nil, err
	}
	took := time.Since(begin).Round(time.Millisecond / 10)
	return []finding{{OK: true, Found: fmt.Sprintf("ClickHouse %s, user %s, database %s, %s a query", answer[0].Name, answer[0].A, answer[0].B, took)}}, nil
}

func checkClock(ctx context.Context, client *clickhouse.Client) ([]finding, error) {
	var answer []struct {
		Now time.Time `ch:"now"`
	}
	before := time.Now()
	if err := client.Select(ctx, &answer, "SELECT now64(3, 'UTC') AS now"); err != nil {
		return nil, err
	}
	off := answer[0].Now.Sub(before)
	if off > -clockLimit && off < clockLimit+time.Since(before) {
		return nil, nil
	}
	return []finding{{Found: fmt.Sprintf("the server's clock is %s off this machine's", off.Round(time.Second)), Advice: "set both clocks by NTP: TTLs, partitions by time and the ledger's times hang on them"}}, nil
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
	var answer []row
	if err := client.Select(ctx, &answer, "SELECT toString(count()) AS name, '' AS a, '' AS b FROM "+table); err != nil {
		return nil, err
	}
	if answer[0].Name == "1" {
		return nil, nil
	}
	return []finding{{Found: "the same insert, repeated, was stored twice", Advice: "the user's settings switch deduplication off: let insert_deduplicate be 1 and deduplicate_insert be enable in its profile"}}, nil
}

func checkViews(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
	var views []row
	if err := client.Select(ctx, &views, "SELECT name AS name, '' AS a, '' AS b FROM system.tables WHERE database = currentDatabase() AND engine IN ('View', 'MaterializedView') ORDER BY name"); err != nil {
		return nil, err
	}
	for _, v := range views {
		if err := client.Exec(ctx, "EXPLAIN PLAN SELECT * FROM "+ddl.QuoteIdent(v.Name)); err != nil {
			found = append(found, finding{Found: fmt.Sprintf("view %s cannot be read: %v", v.Name, err), Advice: "create what it reads or writes, or change or drop the view: as long as it is broken, inserts into its table fail"})
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
