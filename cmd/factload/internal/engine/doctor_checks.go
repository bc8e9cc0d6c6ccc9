package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/schemas"
)

// check looks for one kind of trouble. It finds nothing when all is well.
type check struct {
	name, fine string
	look       func(context.Context, *clickhouse.Client) ([]finding, error)
}

// limits are from where on a number is a finding.
type limits struct {
	free  float64 // share of a disk
	parts int     // active parts of a partition; the server slows inserts down from 1,000 on
	clock time.Duration
}

var usualLimits = limits{free: 0.1, parts: 300, clock: 5 * time.Second}

// checks returns all checks, in the order in which they are shown.
func checks(registry *schemas.Registry, limit limits) []check {
	return slices.Concat([]check{
		{"connection", "", checkConnection},
		{"clock", "the server's clock and this one agree", limit.checkClock},
	}, rightsChecks(), serverChecks(limit), tableChecks(registry))
}

// serverChecks are about what the server does by itself.
func serverChecks(limit limits) []check {
	return []check{
		{"disk", "more than a tenth of each disk is free", rows(
			`SELECT name AS name, toString(free_space) AS a, toString(total_space) AS b FROM system.disks WHERE total_space > 0 AND free_space < total_space * `+fmt.Sprint(limit.free),
			func(r row) finding {
				return finding{Found: fmt.Sprintf("disk %s: %s of %s are free", r.Name, sizeOf(r.A), sizeOf(r.B)), Advice: "drop old tables or partitions, set a TTL, or make the disk larger: inserts fail when it is full"}
			})},
		{"parts", "no partition has too many parts", rows(
			`SELECT table AS name, partition AS a, toString(count()) AS b FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table, partition HAVING count() > `+fmt.Sprint(limit.parts),
			func(r row) finding {
				return finding{Found: fmt.Sprintf("table %s, partition %s: %s parts wait to be merged", r.Name, r.A, r.B), Advice: "insert less often and more at once, use fewer partitions, and see that merges are not stopped (SYSTEM START MERGES)"}
			})},
		{"mutations", "no mutation fails", rows(
			`SELECT table AS name, command AS a, latest_fail_reason AS b FROM system.mutations WHERE NOT is_done AND latest_fail_reason != '' AND database = currentDatabase()`,
			func(r row) finding {
				return finding{Found: fmt.Sprintf("table %s: the mutation %s fails: %s", r.Name, r.A, r.B), Advice: "remove the reason, or end it: KILL MUTATION WHERE table = '" + r.Name + "'"}
			})},
	}
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

func (l limits) checkClock(ctx context.Context, client *clickhouse.Client) ([]finding, error) {
	var now []time.Time
	before := time.Now()
	if err := client.Select(ctx, &now, "SELECT now64(3, 'UTC')"); err != nil {
		return nil, err
	}
	off := now[0].Sub(before)
	if off > -l.clock && off < l.clock+time.Since(before) {
		return nil, nil
	}
	return []finding{{Found: fmt.Sprintf("the server's clock is %s off this machine's", off.Round(time.Second)), Advice: "set both clocks by NTP: TTLs, partitions by time and the ledger's times depend on them"}}, nil
}
