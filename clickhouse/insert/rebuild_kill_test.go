package insert

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/faultproxy"
	"github.com/factload/factload/internal/faults"
	"github.com/factload/factload/internal/rebuildhook"
	"github.com/factload/factload/internal/soak"
)

// In these tests writers look at the table more often than they have to, so
// that inserts need not be held back for as long as users' inserts are.
const (
	killFresh = 400 * time.Millisecond
	killHold  = 2 * time.Second
)

// killSchema is what the writers write.
var killSchema = fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{
	{Name: "id", Type: fact.UInt64},
	{Name: "who", Type: fact.LowCardinalityString},
	{Name: "text", Type: fact.String},
}}

// killVersion returns one of two tables for killSchema that differ in keys and
// partitions.
func killVersion(t testing.TB, version int) ddl.Table {
	t.Helper()
	if version%2 == 0 {
		return chtest.NewTable(t, killSchema, ddl.Options{Settings: map[string]string{"index_granularity": "8192"}})
	}
	s := killSchema
	s.OrderBy = []string{"who", "id"}
	s.Fields = append([]fact.Field{}, s.Fields...)
	return chtest.NewTable(t, s, ddl.Options{PartitionBy: "id % 3", Settings: map[string]string{"index_granularity": "1024"}})
}

// killSteps returns the steps of a rebuild in their order.
func killSteps(t *testing.T) []string {
	t.Helper()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	require.NoError(t, c.Ensure(t.Context(), killVersion(t, 0)))
	db.Exec(t, "INSERT INTO t (id) SELECT number FROM numbers(1000)")
	var steps []string
	watch := func(step string) { steps = append(steps, step) }
	ctx := rebuildhook.With(t.Context(), rebuildhook.Hook{Step: watch})
	require.NoError(t, c.EnsureAllowing(ctx, []ddl.Hazard{ddl.NeedsRebuild}, killVersion(t, 1)))
	return steps
}

// The environment of a process that rebuilds the table and dies at a step.
const (
	rebuildChildEnv   = "FACTLOAD_TEST_REBUILD_DSN"
	rebuildVersionEnv = "FACTLOAD_TEST_REBUILD_VERSION"
	rebuildStepEnv    = "FACTLOAD_TEST_REBUILD_STEP"
)

func TestRebuildChild(t *testing.T) {
	dsn := os.Getenv(rebuildChildEnv)
	if dsn == "" {
		t.Skip("run by TestSoakRebuildKills")
	}
	version, err := strconv.Atoi(os.Getenv(rebuildVersionEnv))
	require.NoError(t, err)
	c := open(t, dsn)
	watch := func(step string) {
		if step == os.Getenv(rebuildStepEnv) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	require.NoError(t, c.EnsureAllowing(rebuildhook.With(t.Context(), rebuildhook.Hook{Hold: killHold, Step: watch}), []ddl.Hazard{ddl.NeedsRebuild}, killVersion(t, version)))
}

// writers insert rows with unique IDs all the time, and repeat every insert
// with its token until it succeeds.
type writers struct {
	ids    atomic.Uint64 // given out
	again  atomic.Uint64 // inserts that were repeated
	doubt  atomic.Uint64 // inserts whose answer got lost
	stop   chan struct{}
	wait   sync.WaitGroup
	failed atomic.Pointer[error]
}

// write is one writer. Its own timeouts make answers get lost, beside the
// engine that is killed.
func (w *writers) write(t *testing.T, c *testClient, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	layout := chtest.Compile(t, killSchema)
	for n := 0; ; n++ {
		select {
		case <-w.stop:
			return
		default:
		}
		b := layout.NewBlock()
		rows := 1 + r.IntN(20)
		if r.IntN(4) == 0 {
			rows *= 30 // of which a byte may be changed on their way
		}
		for range rows {
			id := w.ids.Add(1)
			require.NoError(t, b.AppendJSON(fmt.Appendf(nil, `{"id":%d,"who":"%d","text":"row %d %016x"}`, id, seed, id, r.Uint64())))
		}
		in := Insert{Table: "t", Block: b, Token: fmt.Sprintf("%d-%d", seed, n)}
		for {
			timeout := 10 * time.Second
			if r.IntN(3) == 0 {
				timeout = time.Duration(1+r.IntN(15)) * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			err := c.Insert(ctx, in)
			cancel()
			if err == nil {
				break
			}
			in.Again = true
			w.again.Add(1)
			if errors.Is(err, chconn.ErrAmbiguous) {
				w.doubt.Add(1)
			}
			if !retry.Passing(err) && !errors.Is(err, context.DeadlineExceeded) {
				w.failed.Store(&err)
				return
			}
			retry.Sleep(context.Background(), time.Duration(r.IntN(30))*time.Millisecond)
		}
		retry.Sleep(context.Background(), time.Duration(r.IntN(20))*time.Millisecond)
	}
}

// rebuildBench is where a table is rebuilt: an engine, and proxies before it.
type rebuildBench struct {
	engine  *faults.Engine
	proxies []*faultproxy.Proxy
	native  []string // DSNs
	http    string
	r       *rand.Rand
	total   faults.Tally
}

func newRebuildBench(t *testing.T, seed uint64) *rebuildBench {
	t.Helper()
	b := &rebuildBench{engine: faults.Start(t), r: rand.New(rand.NewPCG(seed, 2))}
	through := func(dsn, params string) string {
		p, dsn, err := faultproxy.ForDSN(dsn, faultproxy.Healthy())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Close()) })
		b.proxies = append(b.proxies, p)
		return dsn + params
	}
	for range 2 {
		b.native = append(b.native, through(b.engine.DSN(), "?compress=lz4&dial_timeout=2s"))
	}
	b.http = through(b.engine.HTTPDSN(), "?dial_timeout=2s")
	t.Cleanup(func() { t.Log(b.total.String()) })
	return b
}

// rebuild changes the table, and breaks something in one of the steps, which it returns.
func (b *rebuildBench) rebuild(t *testing.T, version int, step string) (what string) {
	t.Helper()
	ways := append(b.engine.Faults(), faults.Connections(true, b.proxies...)...)
	n := b.r.IntN(len(ways) + len(ways)/2)
	if n >= len(ways) {
		rebuildAndDie(t, b.engine.DSN(), version, step)
		return "process killed"
	}
	var healed sync.WaitGroup
	defer healed.Wait()
	broken := false
	watch := func(s string) {
		if s != step || broken {
			return
		}
		broken = true
		heal := ways[n].Break(t.Context(), t, b.r)
		pause := time.Duration(b.r.IntN(1000)) * time.Millisecond
		healed.Go(func() {
			faults.Wait(pause)
			heal()
		})
	}
	rebuildUntil(t, b.native[0], killVersion(t, version), watch, ways[n].Name, func(error) bool { return broken })
	require.True(t, broken, step)
	return ways[n].Name
}

// TestSoakRebuildKills rebuilds a table again and again while rows are being
// inserted. Each time the process that rebuilds is killed in one of the steps, or something else breaks: the engine, its
// disk, the connections of the writers and of the rebuild. Then the rebuild is run again. No row may be lost or doubled.
func TestSoakRebuildKills(t *testing.T) {
	t.Parallel()
	trials, seed := soak.Trials(t, 2, 50), soak.Seed(t)
	steps := killSteps(t)
	b := newRebuildBench(t, seed)
	first := open(t, b.engine.DSN())
	db := &enginetest.DB{DSN: b.engine.DSN(), HTTPDSN: b.engine.HTTPDSN(), Name: first.Database()}
	require.NoError(t, first.Ensure(t.Context(), killVersion(t, 0)))
	w := &writers{stop: make(chan struct{})}
	for i, dsn := range []string{b.native[0], b.http, b.native[1]} {
		c := open(t, dsn)
		c.generations.fresh = killFresh
		w.wait.Go(func() { w.write(t, c, seed+uint64(i)) })
	}
	defer w.wait.Wait()
	stop := sync.OnceFunc(func() { close(w.stop) })
	defer stop()
	from := b.r.IntN(len(steps))
	for trial := range trials {
		step := steps[(from+trial*3)%len(steps)] // 3 has no divisor in common with their number
		begin := time.Now()
		broken := b.rebuild(t, trial+1, step)
		what := fmt.Sprintf("seed %d, trial %d: %s when %s", seed, trial, broken, step)
		want := killVersion(t, trial+1)
		rebuildUntilDone(t, db.DSN, want, nil, what)
		chtest.RequireDone(t, db, open(t, db.DSN), want)
		t.Logf("%s: %s, %d rows", what, time.Since(begin).Round(100*time.Millisecond), w.ids.Load())
		b.total.Add("trials", 1)
		b.total.Add("× "+broken, 1)
		doubled := db.Query(t, "SELECT count() - uniqExact(id) FROM t")
		require.Equal(t, "0", doubled, "%s: rows are doubled", what)
		w.requireWell(t, what)
	}
	stop()
	w.wait.Wait()
	w.requireWell(t, "the end")
	w.tell(t, db, &b.total)
	require.NotZero(t, w.doubt.Load())
}

// tell compares the table with what was inserted, once all inserts have succeeded.
func (w *writers) tell(t *testing.T, db *enginetest.DB, total *faults.Tally) {
	t.Helper()
	var rows, ids, most uint64
	text := db.Query(t, "SELECT count(), uniqExact(id), max(id) FROM t")
	_, err := fmt.Sscan(text, &rows, &ids, &most)
	require.NoError(t, err, text)
	given := w.ids.Load()
	total.Add("rows acknowledged", int(given))
	total.Add("inserts repeated", int(w.again.Load()))
	total.Add("tries in doubt", int(w.doubt.Load()))
	total.Add("LOST", int(given-ids))
	total.Add("DOUBLED", int(rows-ids))
	require.Equal(t, []uint64{given, given, given}, []uint64{rows, ids, most})
}

// requireWell checks that no insert has failed for good.
func (w *writers) requireWell(t *testing.T, what string) {
	t.Helper()
	if failed := w.failed.Load(); failed != nil {
		require.NoError(t, *failed, what)
	}
}

// rebuildUntilDone rebuilds again and again: an engine may still be busy with its own start.
func rebuildUntilDone(t *testing.T, dsn string, want ddl.Table, watch func(string), what string) {
	t.Helper()
	rebuildUntil(t, dsn, want, watch, what, func(err error) bool { return err == nil })
}

// rebuildUntil is rebuildUntilDone until that is enough.
func rebuildUntil(t *testing.T, dsn string, want ddl.Table, watch func(string), what string, enough func(error) bool) {
	t.Helper()
	ctx := rebuildhook.With(t.Context(), rebuildhook.Hook{Hold: killHold, Step: watch})
	for range 10 {
		err := open(t, dsn).EnsureAllowing(ctx, []ddl.Hazard{ddl.NeedsRebuild}, want)
		if err != nil {
			require.True(t, retry.Passing(err), "%s: %v", what, err)
			t.Logf("%s: again after: %s", what, chconn.ForLog(err))
		}
		if enough(err) {
			return
		}
	}
	t.Fatalf("%s: the rebuild does not end", what)
}

// rebuildAndDie starts a process that rebuilds and kills itself after a step.
func rebuildAndDie(t *testing.T, dsn string, version int, step string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRebuildChild$", "-test.v")
	cmd.Env = append(os.Environ(), rebuildChildEnv+"="+dsn, rebuildVersionEnv+"="+strconv.Itoa(version), rebuildStepEnv+"="+step)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGKILL, status.Signal(), "%s", out)
}
