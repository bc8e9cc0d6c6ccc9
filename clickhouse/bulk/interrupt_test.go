package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/compressed"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

var errCrash = errors.New("crash")

// crashing is a server that the load loses at some point for good, as if one
// of the two had been killed: no call after that has an effect. The call that
// crashes has had its effect, or not.
type crashing struct {
	server
	mu      sync.Mutex
	left    int  // inserts until the crash
	applied bool // the crashing insert takes effect
	only    string
	crashed bool
}

func (c *crashing) Insert(ctx context.Context, in insert.Insert) error {
	c.mu.Lock()
	if c.crashed {
		c.mu.Unlock()
		return errCrash
	}
	if c.only == "" || c.only == in.Table {
		c.left--
	}
	c.crashed = c.left < 0
	crashed, applied := c.crashed, c.applied
	c.mu.Unlock()
	if crashed && !applied {
		return errCrash
	}
	if err := c.server.Insert(ctx, in); err != nil || !crashed {
		return err
	}
	return errCrash
}

func (c *crashing) Ensure(ctx context.Context, tables ...ddl.Table) error {
	c.mu.Lock()
	crashed := c.crashed
	c.mu.Unlock()
	if crashed {
		return errCrash
	}
	return c.server.Ensure(ctx, tables...)
}

// throughCrashes runs a load again and again, each time with a crash at one of the first
// inserts, until it gets through. It returns how often it has crashed.
func (r *room) throughCrashes(rnd *rand.Rand, within int, cfg Config) (crashes int) {
	r.t.Helper()
	for {
		cfg.Workers = 1 + rnd.IntN(4)
		c := &crashing{server: serverOf(cfg.Client), left: rnd.IntN(within), applied: rnd.IntN(2) == 0}
		_, err := loadInto(r.t.Context(), cfg, c)
		if err == nil {
			return crashes
		}
		require.ErrorIs(r.t, err, errCrash)
		crashes++
	}
}

// dirtyLines are lines of which about one in twenty is bad.
func dirtyLines(from, to int) []byte {
	var b bytes.Buffer
	for i := from; i < to; i++ {
		switch i % 40 {
		case 7:
			fmt.Fprintf(&b, "{\"id\":%d,\"text\":1}\n", i)
		case 23:
			b.WriteString("\xff\n\n")
		default:
			b.Write(lines(i, i+1))
		}
	}
	return b.Bytes()
}

// TestSoakLoadSurvivesCrashes crashes a load at many points, runs it again until
// it gets through, and compares with a load that was left alone.
func TestSoakLoadSurvivesCrashes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	inputs := []string{
		r.file("a.jsonl", append(dirtyLines(0, 1000), "{\"id\":1000000}\n{\"cut"...)),
		r.file("b.gz", compressed.Gzip(t, dirtyLines(1000, 2500))),
		r.file("c.jsonl", dirtyLines(0, 300)), // begins like a
	}
	want := r.config(inputs...)
	want.Rejects = filepath.Join(r.dir, "rejects")
	sum := r.load(want)
	wantRows, wantRejects := r.contents(), r.rejectsFile(want)
	require.Equal(t, "2376", r.Query(t, "SELECT uniqExact(id) FROM items"))
	require.Positive(t, sum.Rejected)
	require.Positive(t, sum.SkippedRows, "c begins like a")

	seed := soak.Seed(t)
	for trial := range uint64(soak.Trials(t, 1, 25)) {
		t.Run(fmt.Sprint(trial), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, trial))
			r := &room{DB: enginetest.Database(t), t: t, dir: t.TempDir()}
			client, err := chconn.Open(r.DSN)
			require.NoError(t, err)
			defer client.Close()
			cfg := r.config(inputs...)
			cfg.Client, cfg.Rejects = client, filepath.Join(r.dir, "rejects")
			crashes := r.throughCrashes(rnd, 30, cfg)
			require.Equal(t, wantRows, r.contents(), "%d crashes", crashes)
			require.True(t, wantRejects == r.rejectsFile(cfg), "rejects differ after %d crashes", crashes)

			again := r.load(cfg)
			require.Zero(t, again.Rows)
			require.Equal(t, sum.Rows+sum.SkippedRows, again.SkippedRows)
			require.True(t, wantRejects == r.rejectsFile(cfg))
		})
	}
}

// contents returns count and checksum of the items.
func (r *room) contents() string {
	return r.Query(r.t, "SELECT count(), uniqExact(id), sum(cityHash64(id, text)) FROM items")
}

// rejectsFile returns the content of the rejects file.
func (r *room) rejectsFile(cfg Config) string {
	r.t.Helper()
	b, err := os.ReadFile(cfg.Rejects)
	require.NoError(r.t, err)
	return string(b)
}

// TestSoakLoadSurvivesCrashesWithOtherSettings changes the sizes between runs.
func TestSoakLoadSurvivesCrashesWithOtherSettings(t *testing.T) {
	t.Parallel()
	seed := soak.Seed(t)
	for trial := range uint64(soak.Trials(t, 1, 10)) {
		t.Run(fmt.Sprint(trial), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, trial))
			r := newRoom(t)
			text := dirtyLines(0, 4000)
			cfg := r.config(r.file("a", nil))
			cfg.Rejects = filepath.Join(r.dir, "rejects")
			for grown, done := 0, false; !done; {
				// The file grows between the runs, too, by any number of bytes.
				grown = min(grown+rnd.IntN(len(text)/3), len(text))
				r.file("a", text[:grown])
				cfg.ChunkBytes = minChunkBytes << rnd.IntN(4)
				cfg.chunkLines = 1 + rnd.IntN(500)
				c := &crashing{server: serverOf(r.client), left: rnd.IntN(40), applied: rnd.IntN(2) == 0}
				_, err := loadInto(t.Context(), cfg, c)
				if err != nil {
					require.ErrorIs(t, err, errCrash)
				}
				done = err == nil && grown == len(text)
			}
			require.Equal(t, "3800\t3800", r.count())
			require.Len(t, r.rejects(cfg), 200)
			last := int64(0)
			for _, e := range r.rejects(cfg) {
				require.Greater(t, e.Line, last, "in the order of the input")
				last = e.Line
			}
		})
	}
}

// TestLoadGrownAfterCrash has the most delicate moment: a chunk that ended
// with the file is in the table, the ledger does not know, and the file grows.
func TestLoadGrownAfterCrash(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	text := lines(0, 30)
	cfg := r.config(r.file("a", text))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	require.Equal(t, "30\t30", r.count())
	r.file("a", append(text, lines(30, 40)...))
	require.EqualValues(t, 40, r.load(cfg).Rows)
	require.Equal(t, "40\t40", r.count())
}

func TestLoadChangedAfterCrash(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 30)))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	r.file("a", lines(1, 30))
	_, err = Load(t.Context(), cfg)
	var changed *ChangedError
	require.ErrorAs(t, err, &changed)
	require.Zero(t, changed.Rows)
}

func TestLoadForcedGoesOnAfterCrash(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 500)), r.file("b", lines(500, 1000)))
	r.load(cfg)
	cfg.Force = true
	// None of them in the last entry of the ledger: with that the load is done,
	// and the next one is another.
	for left, only := range []string{"", "", "", "items", "items"} {
		_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: left, only: only, applied: left%2 == 0})
		require.ErrorIs(t, err, errCrash)
	}
	r.load(cfg)
	require.Equal(t, "2000\t1000", r.count())
	require.Equal(t, "2\t1000", r.Query(t, "SELECT c, count() FROM (SELECT id, count() AS c FROM items GROUP BY id) GROUP BY c"))
}

func TestLoadInterrupted(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 5000)))
	ctx, cancel := context.WithCancel(t.Context())
	c := &watching{server: serverOf(r.client), table: "items", seen: func(n int) {
		if n == 5 {
			cancel()
		}
	}}
	sum, err := loadInto(ctx, cfg, c)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "run the same load again to go on")
	require.GreaterOrEqual(t, sum.Rows, int64(400))
	require.Less(t, sum.Rows, int64(5000))
	// What was under way has been finished, and the ledger knows it.
	require.Equal(t, fmt.Sprintf("%d\t%d", sum.Rows, sum.Rows), r.count())
	rest := r.load(cfg)
	require.Equal(t, sum.Rows, rest.SkippedRows)
	require.Equal(t, "5000\t5000", r.count())
}

// watching tells of the inserts into a table.
type watching struct {
	server
	table string
	seen  func(n int)
	mu    sync.Mutex
	n     int
}

func (w *watching) Insert(ctx context.Context, in insert.Insert) error {
	err := w.server.Insert(ctx, in)
	if in.Table == w.table {
		w.mu.Lock()
		w.n++
		w.seen(w.n)
		w.mu.Unlock()
	}
	return err
}

func TestLoadInterruptedWhileItWaitsForStdin(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config("-")
	stdin, writer := io.Pipe()
	defer writer.Close()
	cfg.Stdin = stdin
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = writer.Write(lines(0, 1000))
		cancel()
	}()
	_, err := loadInto(ctx, cfg, serverOf(r.client))
	require.ErrorIs(t, err, context.Canceled)
}

// failing fails some inserts into a table, and repeats of them not.
type failing struct {
	server
	table string
	err   error
	after bool // it fails when it has taken effect
	mu    sync.Mutex
	n     int
}

func (f *failing) Insert(ctx context.Context, in insert.Insert) error {
	f.mu.Lock()
	f.n++
	fail := in.Table == f.table && f.n%2 == 1
	f.mu.Unlock()
	if fail && !f.after {
		return f.err
	}
	if err := f.server.Insert(ctx, in); err != nil || !fail {
		return err
	}
	return f.err
}

func TestLoadRepeatsInserts(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*failing{
		"rows, not stored":   {table: "items", err: chconn.ErrRetryable},
		"rows, stored":       {table: "items", err: chconn.ErrAmbiguous, after: true},
		"ledger, not stored": {table: ledgerTable, err: chconn.ErrRetryable},
		"ledger, stored":     {table: ledgerTable, err: chconn.ErrAmbiguous, after: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			f.server = serverOf(r.client)
			cfg := r.config(r.file("a", lines(0, 500)))
			sum, err := loadInto(t.Context(), cfg, f)
			require.NoError(t, err)
			require.EqualValues(t, 500, sum.Rows)
			require.Equal(t, "500\t500", r.count())
			require.Equal(t, r.Query(t, "SELECT uniqExact(token, state) FROM _factload_ledger"), r.Query(t, "SELECT count() FROM _factload_ledger"))

			cfg.RetryBudget = -1
			cfg.Inputs = []string{r.file("b", lines(500, 600))}
			f.n = 0
			_, err = loadInto(t.Context(), cfg, f)
			require.ErrorIs(t, err, f.err)
		})
	}
}

func TestTwoLoadsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 3000)))
	var both sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		both.Go(func() { _, errs[i] = Load(t.Context(), cfg) })
	}
	both.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, "3000\t3000", r.count())
}

func TestLoadLeavesNoGoroutines(t *testing.T) {
	r := newRoom(t)
	path := r.file("a.zst", compressed.Zstd(t, dirtyLines(0, 3000)))
	require.NoError(t, r.client.Ping(t.Context()))
	before := goleak.IgnoreCurrent()
	run := func(c server, change func(*Config)) {
		cfg := r.config(path)
		cfg.Progress = func(Progress) {}
		if change != nil {
			change(&cfg)
		}
		client, err := chconn.Open(r.DSN)
		require.NoError(t, err)
		defer client.Close()
		if crash, ok := c.(*crashing); ok {
			crash.server = serverOf(client)
		} else {
			c = serverOf(client)
		}
		_, _ = loadInto(t.Context(), cfg, c)
	}
	run(&crashing{left: 3}, nil)
	run(&crashing{left: 6, applied: true}, nil)
	run(nil, func(c *Config) { c.MaxRejects = MaxRejectRows(1) })
	run(nil, func(c *Config) { c.Inputs = []string{path, os.DevNull, r.dir + "/none"} })
	run(nil, func(c *Config) { c.Rejects = filepath.Join(r.dir, "no", "such", "directory") })
	run(nil, nil)
	run(nil, func(c *Config) { c.DryRun, c.Inputs, c.Stdin = true, []string{"-"}, bytes.NewReader(lines(0, 100)) })
	goleak.VerifyNone(t, before)
}

// TestLoadFindsRowsThatTheServerLost has a server that was killed when it knew
// the token of an insert and had not kept its rows.
func TestLoadFindsRowsThatTheServerLost(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 500)))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 3, applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	kept := r.Query(t, "SELECT sum(rows) FROM _factload_ledger WHERE state = 'chunk_done'")
	r.Exec(t, "ALTER TABLE items DELETE WHERE id >= "+kept+" SETTINGS mutations_sync = 2")
	r.load(cfg)
	require.Equal(t, "500\t500", r.count())
}

// restarting is a server that cancels the first queries of each kind, as one does that is being stopped.
type restarting struct {
	server
	ensured, selected bool
}

func (s *restarting) Ensure(ctx context.Context, tables ...ddl.Table) error {
	if !s.ensured {
		s.ensured = true
		return &chconn.Error{Op: "inspect table", Code: 394, Name: "QUERY_WAS_CANCELLED", Class: chconn.ErrRetryable}
	}
	return s.server.Ensure(ctx, tables...)
}

func (s *restarting) Select(ctx context.Context, dest any, sql string, params ...any) error {
	if !s.selected {
		s.selected = true
		return &chconn.Error{Op: "select", Code: 394, Name: "QUERY_WAS_CANCELLED", Class: chconn.ErrRetryable}
	}
	return s.server.Select(ctx, dest, sql, params...)
}

// A server that is restarted while a load begins is waited for.
func TestRestartAtTheBeginning(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	sum, err := loadInto(t.Context(), r.config(r.file("a", lines(0, 10))), &restarting{server: serverOf(r.client)})
	require.NoError(t, err)
	require.EqualValues(t, 10, sum.Rows)
}
