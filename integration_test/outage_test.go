package integration

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// service is a pipeline with a log and a Materializer.
func service(t *testing.T, cfg clickhouse.Config) (*fact.Pipeline, *clickhouse.Materializer) {
	t.Helper()
	m, err := clickhouse.New(cfg)
	require.NoError(t, err)
	p := fact.NewPipeline(fact.WithStore(fact.NewMemoryStore(), "facts"), fact.WithMaterializer(m))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		require.NoError(t, p.Close(ctx))
		require.NoError(t, m.Close(ctx))
	})
	return p, m
}

// identified is the n-th answer of a caller, with an ID.
func identified(caller, n int) fact.Fact {
	f := answer(n)
	f.ID = fmt.Sprintf("%d-%d", caller, n)
	return f
}

// A service that starts while the server is down records what it is given
// meanwhile once the server is up.
func TestSoakServerDownAtStart(t *testing.T) {
	t.Parallel()
	const callers = 16
	engine := enginetest.Start(t, embedded.Config{})
	require.NoError(t, engine.Stop(t.Context()))
	pipeline, _ := service(t, clickhouse.Config{DSN: engine.DSN()})
	require.ErrorIs(t, pipeline.EnsureSchemas(t.Context(), answers()), clickhouse.ErrRetryable)

	errs := make(chan error, callers)
	for c := range callers {
		go func() { errs <- pipeline.Record(t.Context(), identified(c, 1), identified(c, 2)) }()
	}
	down := time.NewTimer(time.Duration(soak.Scale(1, 10)) * time.Second)
	select {
	case err := <-errs:
		t.Fatalf("a call returned while the server was down: %v", err)
	case <-down.C:
	}
	require.NoError(t, engine.Restart(t.Context()))
	for range callers {
		require.NoError(t, <-errs)
	}
	db := &enginetest.DB{HTTPDSN: engine.HTTPDSN()}
	require.Equal(t, fmt.Sprintf("%d\t%d", 2*callers, 2*callers), db.Query(t, "SELECT count(), uniqExact(id) FROM answer"))
}

// A server that is restarted, and killed, again and again during load is not
// noticed by callers.
func TestSoakRestarts(t *testing.T) {
	t.Parallel()
	const callers = 8
	restarts := soak.Scale(2, 10)
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			engine := enginetest.Start(t, embedded.Config{})
			dsn := engine.DSN()
			if protocol == "http" {
				dsn = engine.HTTPDSN()
			}
			pipeline, _ := service(t, clickhouse.Config{DSN: dsn})
			require.NoError(t, pipeline.EnsureSchemas(t.Context(), answers()))
			var recorded atomic.Int64
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						if err := pipeline.Record(t.Context(), identified(c, n)); err != nil {
							t.Errorf("a caller got an error: %v", err)
							return
						}
						recorded.Add(1)
					}
				})
			}
			for n := range restarts {
				before := recorded.Load()
				if n%2 == 0 {
					require.NoError(t, engine.Kill())
				}
				require.NoError(t, engine.Restart(t.Context()))
				require.Eventually(t, func() bool { return recorded.Load() >= before+5*callers || t.Failed() }, time.Minute, time.Millisecond)
			}
			close(stop)
			wg.Wait()
			db := &enginetest.DB{HTTPDSN: engine.HTTPDSN()}
			require.Equal(t, fmt.Sprintf("%d\t%d", recorded.Load(), recorded.Load()), db.Query(t, "SELECT count(), uniqExact(id) FROM answer"))
			t.Logf("%d restarts, %d facts recorded by %d callers, no error", restarts, recorded.Load(), callers)
		})
	}
}

// A table that cannot be written does not slow down the others: a thousand
// goroutines record into five tables, one of which fails.
func TestSoakFailingTable(t *testing.T) {
	t.Parallel()
	const tables, callers = 5, 1000
	db := enginetest.Database(t)
	pipeline, m := service(t, clickhouse.Config{DSN: db.DSN + "?allow_custom_error_code_in_throwif=1"})
	var recorded [tables]atomic.Int64
	for i := range tables {
		schema := answers()
		schema.Name = fmt.Sprint("table", i)
		require.NoError(t, pipeline.EnsureSchemas(t.Context(), schema))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for c := range callers {
		table := c % tables
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f := identified(c, n)
				f.Schema = fmt.Sprint("table", table)
				if err := pipeline.Record(ctx, f); err == nil {
					recorded[table].Add(1)
				} else if ctx.Err() == nil && table != 0 {
					t.Errorf("a caller of a table that is well got an error: %v", err)
					return
				}
			}
		})
	}
	others := func() (n int64) {
		for i := 1; i < tables; i++ {
			n += recorded[i].Load()
		}
		return n
	}
	phase := time.Duration(soak.Scale(1500, 10_000)) * time.Millisecond
	during := func() int64 {
		before := others()
		<-time.After(phase)
		return others() - before
	}
	require.Eventually(t, func() bool { return others() > callers }, time.Minute, time.Millisecond, "all are at work")
	healthy := during()
	db.Exec(t, "ALTER TABLE table0 ADD CONSTRAINT broken CHECK throwIf(tokens >= 0, 'provoked', toInt16(242)) = 0")
	before := recorded[0].Load()
	failing := during()
	stuck := recorded[0].Load() - before
	cancel()
	wg.Wait()
	db.Exec(t, "ALTER TABLE table0 DROP CONSTRAINT broken")
	t.Logf("four tables took %d facts in %s, and %d while the fifth failed (%.2f times)", healthy, phase, failing, float64(failing)/float64(healthy))
	require.Greater(t, failing, healthy/3, "the others keep their throughput, give or take what else the machine does")
	require.LessOrEqual(t, stuck, int64(callers), "the fifth did fail")
	for _, s := range m.Stats() {
		if s.Table == "table0" {
			require.Positive(t, s.Retries)
		}
	}
}
