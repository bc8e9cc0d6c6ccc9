package integration

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/faultproxy"
	"github.com/factload/factload/internal/soak"
)

// TestSoakFaults records while connections break, the engine is killed and
// tables refuse rows, in trials whose faults are random. Then every fact that
// was acknowledged is in its table exactly once, and no fact is there twice.
func TestSoakFaults(t *testing.T) {
	t.Parallel()
	trials, faults := soak.Trials(t, 3, 500), soak.Scale(2, 6)
	seed := soak.Seed(t)
	var total tally
	t.Cleanup(func() { t.Log(total.String()) })
	const workers = 2
	for w := range workers {
		t.Run(fmt.Sprint("engine ", w), func(t *testing.T) {
			t.Parallel()
			dir := smallDisk(t)
			engine := enginetest.Start(t, embedded.Config{DataDir: filepath.Join(dir, "engine")})
			for n := w; n < trials; n += workers {
				tr := newTrial(t, engine, dir, n, seed)
				tr.run(faults)
				total.add(tr)
				if t.Failed() {
					t.Fatalf("trial %d failed: repeat with %s=%d", n, soak.SeedEnv, seed)
				}
			}
		})
	}
}

// fault is a way to break something outside of the service. It returns how to
// heal it.
type fault struct {
	name string
	do   func(ctx context.Context, tr *trial) (heal func())
}

// faults returns all ways to break something.
func faults() []fault {
	all := []fault{
		{"engine killed", killEngine},
		{"engine killed", killEngine}, // twice as likely
		{"engine stopped", stopEngine},
		{"engine killed in a rename", killInRename},
		{"no inodes", takeInodes},
		{"random connections", randomConnections},
	}
	for _, kind := range faultproxy.Kinds() {
		all = append(all, fault{"connections: " + kind.String(), func(_ context.Context, tr *trial) func() {
			return breakConnections(tr, kind)
		}})
	}
	for name, sql := range tableFaults() {
		all = append(all, fault{name, func(ctx context.Context, tr *trial) func() { return alterTables(ctx, tr, sql) }})
	}
	slices.SortStableFunc(all, func(a, b fault) int { return strings.Compare(a.name, b.name) }) // a map has no order
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
	all := faults()
	f := all[tr.rng.IntN(len(all))]
	tr.happened = append(tr.happened, f.name)
	heal := f.do(ctx, tr)
	tr.pause(400)
	heal()
}

// breakConnections breaks all connections in one way, at different turns.
func breakConnections(tr *trial, kind faultproxy.Kind) (heal func()) {
	tr.proxy.SetPlan(faultproxy.Random(tr.rng.Uint64(), 1, kind))
	tr.proxy.CutAll()
	return func() {
		tr.proxy.SetPlan(faultproxy.Healthy())
		tr.proxy.CutAll()
	}
}

// randomConnections breaks half of the connections in any way.
func randomConnections(_ context.Context, tr *trial) (heal func()) {
	tr.proxy.SetPlan(faultproxy.Random(tr.rng.Uint64(), 0.5, faultproxy.Kinds()...))
	tr.proxy.CutAll()
	return func() {
		tr.pause(800)
		tr.proxy.SetPlan(faultproxy.Healthy())
		tr.proxy.CutAll()
	}
}

func killEngine(ctx context.Context, tr *trial) (heal func()) {
	require.NoError(tr, tr.engine.Kill())
	return func() { require.NoError(tr, tr.engine.Restart(ctx)) }
}

func stopEngine(ctx context.Context, tr *trial) (heal func()) {
	require.NoError(tr, tr.engine.Stop(ctx))
	return func() { require.NoError(tr, tr.engine.Restart(ctx)) }
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

// tally counts over all trials. It is safe for concurrent use.
type tally struct {
	mu                           sync.Mutex
	trials, acknowledged, failed int
	inDoubt, found, replayed     int
	wrong                        wrongs
	connections                  map[faultproxy.Kind]int
	faults                       map[string]int
}

func (t *tally) add(tr *trial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.faults == nil {
		t.faults, t.connections = make(map[string]int), make(map[faultproxy.Kind]int)
	}
	t.trials++
	t.acknowledged += tr.ledger.acknowledged
	t.failed += tr.ledger.failed
	t.inDoubt += tr.ledger.inDoubt
	t.wrong.lost += tr.ledger.counts.lost
	t.wrong.doubled += tr.ledger.counts.doubled
	t.wrong.rejectedStored += tr.ledger.counts.rejectedStored
	t.wrong.targets += tr.ledger.counts.targets
	t.found += tr.found
	t.replayed += tr.replayed
	for _, name := range tr.happened {
		t.faults[name]++
	}
	for kind, n := range tr.proxy.Happened() {
		t.connections[kind] += n
	}
}

// String is the tally in a few lines.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d trials: %d facts acknowledged, %d failed, %d of them in doubt, %d found; %d more by a replay of the log\n",
		t.trials, t.acknowledged, t.failed, t.inDoubt, t.found, t.replayed)
	fmt.Fprintf(&b, "  lost %d, doubled %d, stored though rejected %d, in tables and not the same in targets %d\n",
		t.wrong.lost, t.wrong.doubled, t.wrong.rejectedStored, t.wrong.targets)
	for _, name := range slices.Sorted(maps.Keys(t.faults)) {
		fmt.Fprintf(&b, "  %4d × %s\n", t.faults[name], name)
	}
	for _, kind := range slices.Sorted(maps.Keys(t.connections)) {
		fmt.Fprintf(&b, "  %4d connections broken: %v\n", t.connections[kind], kind)
	}
	return b.String()
}

// inDatabase returns the DSN for another database.
func inDatabase(t *testing.T, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path, u.RawPath = "/"+name, ""
	return u.String()
}
