package integration

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/faultproxy"
	"github.com/factload/factload/internal/soak"
)

// sparse is a small fact, so that many of them are pushed.
type sparse struct {
	ID     string `fact:"id,fact_id"`
	Number uint64 `fact:"number,uint64"`
	Text   string `fact:"text"`
}

// liveHeap returns the bytes that the last garbage collection has found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestSoakMemory pushes facts at a server that is slow to take them. What is in
// memory stays under the documented bound; callers wait, and a caller that gives
// up is let go. It is not parallel: it looks at the memory of the process.
func TestSoakMemory(t *testing.T) {
	const callers, perCall = 64, 1000
	const pending = 1 << 20
	calls, rate := soak.Scale(150, 10_000), soak.Scale(2<<20, 8<<20) // 10 million facts; bytes/s
	db := enginetest.Database(t)
	proxy, dsn, err := faultproxy.ForDSN(db.DSN, faultproxy.Always(faultproxy.Plan{Kind: faultproxy.Slow, Bytes: rate}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	m, err := clickhouse.New(clickhouse.Config{DSN: dsn, MaxPendingBytes: pending, MaxBlockBytes: 256 << 10})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.WithoutCancel(t.Context()))) })
	schema := fact.Schema{Name: "sparse", OrderBy: []string{"number"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true}, {Name: "number", Type: fact.UInt64}, {Name: "text", Type: fact.String},
	}}
	require.NoError(t, m.EnsureSchema(t.Context(), schema))
	runtime.GC()
	baseline := liveHeap()

	watch := newWatch(m)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(calls); n = next.Add(1) {
				if err := m.Materialize(t.Context(), sparseCall(n, perCall)...); err != nil {
					t.Errorf("call %d: %v", n, err)
					return
				}
			}
		})
	}
	require.Eventually(t, func() bool { return m.Stats()[0].Waiting > callers/4 }, time.Minute, time.Millisecond, "callers wait")
	ctx, cancel := context.WithCancel(t.Context())
	impatient := make(chan error, 1)
	go func() { impatient <- m.Materialize(ctx, sparseCall(1<<40, perCall)...) }()
	cancel()
	select {
	case err := <-impatient:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("a caller that gave up is not let go")
	}
	wg.Wait()
	peak, most := watch.stop()

	// Twice the bound, since columns grow by doubling; what the callers hold, which is their facts and their own encoded rows; and
	// what is not the Materializer's.
	const own, slack = 400 * perCall, 8 << 20
	bound := uint64(2*pending + callers*own + slack)
	t.Logf("%d facts by %d callers: %d MB of heap at most above the %d MB before, bound %d MB; pending at most %.1f of %d MB",
		calls*perCall, callers, (peak-min(peak, baseline))>>20, baseline>>20, bound>>20, float64(most)/(1<<20), pending>>20)
	require.Less(t, peak, baseline+bound)
	require.LessOrEqual(t, most, int64(pending+max(4, runtime.GOMAXPROCS(0))*own), "calls that enter while there is room")
	require.Equal(t, fmt.Sprint(calls*perCall), db.Query(t, "SELECT count() FROM sparse"))
	require.Equal(t, fmt.Sprint(calls*perCall), db.Query(t, "SELECT uniqExact(number) FROM sparse"))
}

// sparseCall makes the facts of the n-th call.
func sparseCall(n int64, facts int) []fact.Fact {
	values := make([]sparse, facts)
	out := make([]fact.Fact, facts)
	for i := range out {
		number := uint64(n)*uint64(facts) + uint64(i)
		values[i] = sparse{ID: fmt.Sprintf("%020d", number), Number: number, Text: "a fact of little consequence"}
		out[i] = fact.Fact{Schema: "sparse", ID: values[i].ID, Value: &values[i]}
	}
	return out
}

// heapWatch looks at the heap and at what is pending until it is stopped.
type heapWatch struct {
	stopped chan struct{}
	done    sync.WaitGroup
	peak    uint64
	pending int64
}

func newWatch(m *clickhouse.Materializer) *heapWatch {
	w := &heapWatch{stopped: make(chan struct{})}
	w.done.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-w.stopped:
				return
			case <-ticker.C:
				w.peak = max(w.peak, liveHeap())
				w.pending = max(w.pending, m.Stats()[0].PendingBytes)
			}
		}
	})
	return w
}

func (w *heapWatch) stop() (peak uint64, pending int64) {
	close(w.stopped)
	w.done.Wait()
	return w.peak, w.pending
}
