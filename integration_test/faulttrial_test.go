package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/faultproxy"
	"github.com/factload/factload/internal/faults"
)

// trial is one service that records while things break.
type trial struct {
	*testing.T
	name   string
	rng    *rand.Rand // of the trial's own goroutine
	engine *faults.Engine
	db     *enginetest.DB
	proxy  *faultproxy.Proxy
	ledger *ledger

	services []recorder // one, or two that record side by side
	store    *fact.MemoryStore
	shape    shape
	happened []string // faults, in order
	found    int      // facts in the tables at the end
	replayed int      // facts that the log had and the tables lacked
}

// recorder is a process that records.
type recorder struct {
	materializer *clickhouse.Materializer
	pipeline     *fact.Pipeline
}

// newTrial makes a database and a service that reaches it through a proxy.
func newTrial(t *testing.T, engine *faults.Engine, number int, seed uint64) *trial {
	t.Helper()
	tr := &trial{
		T: t, name: fmt.Sprintf("t%d", number), engine: engine, ledger: newLedger(),
		rng: rand.New(rand.NewPCG(seed, uint64(number))),
	}
	tr.shape = newShape(tr.rng, number%2 == 0)
	tr.db = &enginetest.DB{Name: tr.name, DSN: inDatabase(t, engine.DSN(), tr.name), HTTPDSN: inDatabase(t, engine.HTTPDSN(), tr.name)}
	admin := &enginetest.DB{HTTPDSN: engine.HTTPDSN()}
	admin.Exec(t, "CREATE DATABASE "+tr.name)

	dsn := tr.db.DSN
	if number%2 == 1 {
		dsn = tr.db.HTTPDSN
	}
	proxy, dsn, err := faultproxy.ForDSN(dsn, faultproxy.Healthy())
	require.NoError(t, err)
	tr.proxy = proxy
	// The settings let tables answer with what a server says that is short of something.
	dsn += "?dial_timeout=2s&max_memory_usage=150000000&allow_custom_error_code_in_throwif=1"
	if tr.shape.compressed {
		dsn += "&compress=lz4"
	}
	tr.store = fact.NewMemoryStore()
	for range 1 + tr.rng.IntN(2) {
		m, err := clickhouse.New(tr.config(dsn))
		require.NoError(t, err)
		tr.services = append(tr.services, recorder{m, fact.NewPipeline(fact.WithStore(tr.store, "facts"), fact.WithMaterializer(m))})
	}
	return tr
}

// config varies what a service may choose.
func (tr *trial) config(dsn string) clickhouse.Config {
	budgets := []time.Duration{-1, 300 * time.Millisecond, 3 * time.Second, 30 * time.Second}
	cfg := clickhouse.Config{
		DSN:           dsn,
		Tables:        tr.shape.options(),
		InsertTimeout: time.Second + time.Duration(tr.rng.IntN(2000))*time.Millisecond,
		RetryBudget:   budgets[tr.rng.IntN(len(budgets))],
		Pace:          time.Duration(tr.rng.IntN(20)-5) * time.Millisecond,
		MaxBlockRows:  1 + tr.rng.IntN(500),
	}
	if tr.shape.buffered {
		cfg.Mode, cfg.OnFailure = clickhouse.Buffered, tr.ledger.giveUp
	}
	return cfg
}

// run records while faults come and go, and then checks what is stored.
func (tr *trial) run(times int) {
	tr.Helper()
	ctx := tr.Context()
	if tr.rng.IntN(2) == 0 {
		for _, s := range tr.services {
			require.NoError(tr, s.pipeline.EnsureSchemas(ctx, tr.shape.schemas()...))
		}
		tr.dress()
	} else { // the service starts while the server cannot be reached
		tr.proxy.SetPlan(faultproxy.Always(faultproxy.Plan{Kind: faultproxy.Refuse}))
		for _, s := range tr.services {
			require.ErrorIs(tr, s.pipeline.EnsureSchemas(ctx, tr.shape.schemas()...), clickhouse.ErrRetryable)
		}
		tr.shape.view, tr.shape.check = false, false // there are no tables yet
		tr.proxy.SetPlan(faultproxy.Healthy())
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 2 + tr.rng.IntN(7) {
		writer := &writer{trial: tr, service: tr.services[w%len(tr.services)], number: w, rng: rand.New(rand.NewPCG(tr.rng.Uint64(), 0))}
		wg.Go(func() { writer.run(ctx, stop) })
	}
	for range times {
		faults.Pause(tr.rng, 100*time.Millisecond)
		tr.breakSomething(ctx)
	}
	faults.Pause(tr.rng, 100*time.Millisecond)
	close(stop)
	wg.Wait()
	tr.finish(ctx)
	tr.judge()
}

// stalled is how long nothing at all may become of the rows that wait, before it is taken for a
// service that hangs. It is far longer than a try of an insert may take. How long all rows take
// depends on how many wait and on how busy the machine is: buffered ones have no other bound.
const stalled = 2 * time.Minute

// finish checks that the service works again, and ends it.
func (tr *trial) finish(ctx context.Context) {
	tr.Helper()
	for n, s := range tr.services {
		last := &writer{trial: tr, service: s, number: 98 + n, rng: tr.rng}
		tr.patiently(ctx, s, "the service recovers", func(ctx context.Context) error {
			err := last.call(ctx)
			for ; err != nil && ctx.Err() == nil; err = last.call(ctx) {
				faults.Pause(tr.rng, 20*time.Millisecond)
			}
			return err
		})
		tr.patiently(ctx, s, "the pipeline ends", s.pipeline.Close)
		tr.patiently(ctx, s, "the materializer ends", s.materializer.Close)
	}
	require.NoError(tr, tr.proxy.Close())
	require.Eventually(tr, func() bool {
		return tr.db.Query(tr, "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND current_database = '"+tr.name+"'") == "0"
	}, stalled, 10*time.Millisecond, "inserts that nobody waits for do not end")
}

// patiently does what waits for rows, as long as they become stored or given up.
func (tr *trial) patiently(ctx context.Context, s recorder, what string, do func(context.Context) error) {
	tr.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		before, at := progress(s), time.Now()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for time.Since(at) < stalled {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if now := progress(s); now != before {
				before, at = now, time.Now()
			}
		}
		cancel()
	})
	err := do(ctx)
	cancel()
	require.NoError(tr, err, "%s: %s after %s: %+v", tr.name, what, strings.Join(tr.happened, ", "), s.materializer.Stats())
}

// progress changes as rows are stored, given up or withdrawn.
func progress(s recorder) (sum [3]int64) {
	for _, t := range s.materializer.Stats() {
		sum[0] += t.Rows
		sum[1] += t.Failed + t.Lost
		sum[2] += t.PendingRows
	}
	return sum
}

// judge compares the tables with the ledger, heals them from the log, and
// compares again.
func (tr *trial) judge() {
	tr.Helper()
	rows := tr.rows()
	tr.found = len(rows)
	for _, problem := range tr.ledger.problems(rows) {
		tr.Errorf("%s after %s: %s", tr.name, strings.Join(tr.happened, ", "), problem)
	}
	tr.judgeTargets("")
	tr.undress()
	began := time.Now()
	tr.heal()
	tr.judgeTargets(" and a replay")
	for _, problem := range tr.ledger.problemsAfterReplay(tr.rows(), tr.logged()) {
		tr.Errorf("%s after %s and a replay: %s", tr.name, strings.Join(tr.happened, ", "), problem)
	}
	if tr.Failed() {
		tr.Logf("replay began at %v; parts:\n%s", began.UTC(), tr.db.Query(tr,
			"SELECT table, name, active, rows, modification_time FROM system.parts WHERE database = currentDatabase() ORDER BY ALL"))
	}
	admin := &enginetest.DB{HTTPDSN: tr.engine.HTTPDSN()}
	admin.Exec(tr, "DROP DATABASE "+tr.name+" SYNC")
}

// logged returns the names of the facts in the log.
func (tr *trial) logged() []string {
	events, err := tr.store.Load(tr.Context(), "facts")
	require.NoError(tr, err)
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.Type + " " + e.ID
	}
	return names
}

// heal stores what the log has and the tables lack, as another process would.
func (tr *trial) heal() {
	tr.Helper()
	events, err := tr.store.Load(tr.Context(), "facts")
	require.NoError(tr, err)
	facts := make([]fact.Fact, len(events))
	for i, e := range events {
		facts[i], err = fact.FactFromEvent(e)
		require.NoError(tr, err)
	}
	m, err := clickhouse.New(clickhouse.Config{DSN: tr.db.DSN, Tables: tr.shape.options()})
	require.NoError(tr, err)
	require.NoError(tr, m.EnsureSchema(tr.Context(), tr.shape.schemas()...))
	tr.replayed, err = m.MaterializeMissing(tr.Context(), facts...)
	require.NoError(tr, err)
	require.NoError(tr, m.Close(tr.Context()))
}

// rows returns what the tables have.
func (tr *trial) rows() map[string]stored {
	tr.Helper()
	found := make(map[string]stored)
	for _, schema := range tr.shape.schemas() {
		if tr.db.Query(tr, "EXISTS TABLE `"+schema.Name+"`") == "0" {
			continue
		}
		text := tr.db.Query(tr, "SELECT id, count(), min(tokens), max(tokens) FROM `"+schema.Name+"`"+tr.shape.final(schema.Name)+" GROUP BY id")
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			if line == "" {
				continue
			}
			var id string
			var s stored
			_, err := fmt.Sscan(line, &id, &s.rows, &s.least, &s.most)
			require.NoError(tr, err, line)
			found[schema.Name+" "+id] = s
		}
	}
	return found
}

// writer is one goroutine of the service.
type writer struct {
	*trial
	service recorder
	number  int
	calls   int
	rng     *rand.Rand
}

// run records until stop is closed.
func (w *writer) run(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		_ = w.call(ctx) // the ledger has it
		faults.Pause(w.rng, 20*time.Millisecond)
	}
}

// call records some facts. When that fails it may repeat the call, as the
// materializer allows.
func (w *writer) call(ctx context.Context) error {
	facts := w.facts()
	w.calls++
	limited, cancel := ctx, func() {}
	if w.rng.IntN(12) == 0 { // an impatient caller
		limited, cancel = context.WithTimeout(ctx, time.Duration(w.rng.IntN(50))*time.Millisecond)
	}
	err := w.service.pipeline.Record(limited, facts...)
	cancel()
	tries := []error{err}
	for repeat := 0; err != nil && repeat < 3 && w.rng.IntN(2) == 0; repeat++ {
		faults.Pause(w.rng, 50*time.Millisecond)
		err = w.service.materializer.Materialize(ctx, facts...)
		tries = append(tries, err)
	}
	w.ledger.add(facts, tries...)
	return err
}

// facts makes the next call's facts: mostly one, sometimes many, sometimes for
// both tables.
func (w *writer) facts() []fact.Fact {
	n := 1
	if w.rng.IntN(10) == 0 {
		n = 1 + w.rng.IntN(300)
	}
	both := w.rng.IntN(5) == 0
	facts := make([]fact.Fact, n)
	for i := range facts {
		facts[i] = answer(w.rng.IntN(1 << 30))
		facts[i].Data["tags"] = []string{fmt.Sprintf("%016x", w.rng.Uint64())} // does not compress, so that a byte of it is hit
		facts[i].ID = fmt.Sprintf("%d-%d-%d", w.number, w.calls, i)
		if both && w.rng.IntN(2) == 0 {
			facts[i].Schema = "second"
		}
	}
	return facts
}

// isExpected reports whether a call may fail with err while things break.
func isExpected(err error) bool {
	for _, class := range []error{clickhouse.ErrRetryable, clickhouse.ErrAmbiguous, clickhouse.ErrRejected, context.DeadlineExceeded} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}
