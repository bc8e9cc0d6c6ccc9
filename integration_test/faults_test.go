package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/faults"
	"github.com/factload/factload/internal/soak"
)

// TestSoakFaults records while connections break, the engine is killed and
// tables refuse rows, in trials whose faults are random. Then every fact that
// was acknowledged is in its table exactly once, and no fact is there twice.
func TestSoakFaults(t *testing.T) {
	t.Parallel()
	trials, times := soak.Trials(t, 3, 500), soak.Scale(2, 6)
	seed := soak.Seed(t)
	var total faults.Tally
	t.Cleanup(func() { t.Log(total.String()) })
	const workers = 2
	for w := range workers {
		t.Run(fmt.Sprint("engine ", w), func(t *testing.T) {
			t.Parallel()
			engine := faults.Start(t)
			for n := w; n < trials; n += workers {
				tr := newTrial(t, engine, n, seed)
				tr.run(times)
				tr.tell(&total)
				if t.Failed() {
					t.Fatalf("trial %d failed: repeat with %s=%d", n, soak.SeedEnv, seed)
				}
			}
		})
	}
}

// faults returns all ways to break something of the trial.
func (tr *trial) faults() []faults.Fault {
	all := append(tr.engine.Faults(), faults.Connections(tr.shape.compressed, tr.proxy)...)
	if tr.db.Query(tr, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN ('answer', 'second')") == "2" {
		all = append(all, tr.engine.FullDisk()...)
	}
	for name, sql := range tableFaults() {
		all = append(all, faults.Fault{Name: name, Break: func(ctx context.Context, _ testing.TB, _ *rand.Rand) func() { return alterTables(ctx, tr, sql) }})
	}
	slices.SortStableFunc(all, func(a, b faults.Fault) int { return strings.Compare(a.Name, b.Name) }) // a map has no order
	return all
}

// tableFaults are statements that make a table refuse rows, each with the one
// that heals it.
func tableFaults() map[string][2]string {
	all := map[string][2]string{
		"too many parts": {"MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1", "RESET SETTING parts_to_throw_insert, parts_to_delay_insert"},
		"disk full":      {"MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000", "RESET SETTING min_free_disk_bytes_to_perform_insert"},
		"read-only":      {"MODIFY SETTING table_readonly = 1", "MODIFY SETTING table_readonly = 0"},
		"out of memory":  {"ADD CONSTRAINT broken CHECK arraySum(range(50000000 + tokens % 2)) > 0", "DROP CONSTRAINT IF EXISTS broken"},
		"rows refused":   {"ADD CONSTRAINT broken CHECK tokens % 3 != 0", "DROP CONSTRAINT IF EXISTS broken"},
		"slow inserts":   {"ADD CONSTRAINT broken CHECK sleepEachRow(0.01) = 0", "DROP CONSTRAINT IF EXISTS broken"},
	}
	for _, code := range []int{159, 202, 242, 319, 999} {
		all[fmt.Sprint("answers with code ", code)] = [2]string{
			fmt.Sprintf("ADD CONSTRAINT broken CHECK throwIf(tokens >= 0, 'provoked', toInt16(%d)) = 0", code),
			"DROP CONSTRAINT IF EXISTS broken",
		}
	}
	return all
}

// breakSomething breaks one thing for a while.
func (tr *trial) breakSomething(ctx context.Context) {
	tr.Helper()
	all := tr.faults()
	f := all[tr.rng.IntN(len(all))]
	tr.happened = append(tr.happened, f.Name)
	heal := f.Break(ctx, tr.T, tr.rng)
	faults.Pause(tr.rng, 400*time.Millisecond)
	heal()
}

// alterTables breaks the tables that there are.
func alterTables(ctx context.Context, tr *trial, sql [2]string) (heal func()) {
	var broken []string
	for _, schema := range tr.shape.schemas() {
		if _, err := tr.db.Try(ctx, "ALTER TABLE `"+schema.Name+"` "+sql[0]); err != nil {
			require.ErrorContains(tr, err, "UNKNOWN_TABLE", "only a table that is not made yet cannot be broken")
			continue
		}
		broken = append(broken, schema.Name)
	}
	return func() {
		for _, table := range broken {
			tr.db.Exec(tr, "ALTER TABLE `"+table+"` "+sql[1])
		}
	}
}

// Every fault of tables makes inserts fail, or slow, and is healed.
func TestTableFaults(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"too many parts": "TOO_MANY_PARTS", "disk full": "NOT_ENOUGH_SPACE", "read-only": "TABLE_IS_PERMANENTLY_READ_ONLY",
		"out of memory": "MEMORY_LIMIT_EXCEEDED", "rows refused": "VIOLATED_CONSTRAINT", "slow inserts": "",
		"answers with code 159": "TIMEOUT_EXCEEDED", "answers with code 202": "TOO_MANY_SIMULTANEOUS_QUERIES",
		"answers with code 242": "TABLE_IS_READ_ONLY", "answers with code 319": "UNKNOWN_STATUS_OF_INSERT", "answers with code 999": "KEEPER_EXCEPTION",
	}
	db := enginetest.Database(t)
	db.Exec(t, "CREATE TABLE answer (tokens UInt32) ENGINE = MergeTree ORDER BY tokens")
	db.Exec(t, "INSERT INTO answer VALUES (1)")
	const insert = "INSERT INTO answer SETTINGS max_memory_usage = 150000000, allow_custom_error_code_in_throwif = 1 VALUES (3)"
	for name, sql := range tableFaults() {
		db.Exec(t, "ALTER TABLE answer "+sql[0])
		_, err := db.Try(t.Context(), insert)
		if want[name] == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, want[name], name)
		}
		db.Exec(t, "ALTER TABLE answer "+sql[1])
		db.Exec(t, insert)
	}
}

// tell adds what became of a trial.
func (tr *trial) tell(total *faults.Tally) {
	l := tr.ledger
	total.Add("trials", 1)
	total.Add("facts acknowledged", l.acknowledged)
	total.Add("of these, buffered ones reported as given up later", len(l.gaveUp))
	total.Add("facts whose calls failed", l.failed)
	total.Add("of these in doubt", l.inDoubt)
	total.Add("facts found", tr.found)
	total.Add("facts stored by a replay of the log", tr.replayed)
	total.Add("LOST", l.counts.lost)
	total.Add("DOUBLED", l.counts.doubled)
	total.Add("STORED THOUGH REJECTED", l.counts.rejectedStored)
	total.Add("NOT THE SAME IN TABLE AND TARGET", l.counts.targets)
	for _, name := range tr.happened {
		total.Add("× "+name, 1)
	}
	for kind, n := range tr.proxy.Happened() {
		total.Add(fmt.Sprint("connections broken: ", kind), n)
	}
}

// inDatabase returns the DSN for another database.
func inDatabase(t *testing.T, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path, u.RawPath = "/"+name, ""
	return u.String()
}
