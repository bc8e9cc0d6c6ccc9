package clickhouse

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// TestWaitingCallsHoldNothing has many callers with large facts and a server that
// does not answer: the encoded bytes of all of them together stay near the bound.
func TestWaitingCallsHoldNothing(t *testing.T) { //nolint:paralleltest // it measures the memory of the whole process
	const callers, size, bound = 400, 200_000, 8 << 20
	two := idSchema
	two.Name = "another"
	for name, record := range map[string]func(ctx context.Context, m *Materializer, f fact.Fact) error{
		"Materialize": func(ctx context.Context, m *Materializer, f fact.Fact) error { return m.Materialize(ctx, f) },
		"Record": func(ctx context.Context, m *Materializer, f fact.Fact) error {
			return fact.NewPipeline(fact.WithMaterializer(m)).Record(ctx, f)
		},
		"several tables": func(ctx context.Context, m *Materializer, f fact.Fact) error {
			other := f
			other.Schema = two.Name
			return m.Materialize(ctx, f, other)
		},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // the same
			stuck := make(chan struct{})
			s := &memorySink{answer: func(context.Context, []string) (error, bool) { <-stuck; return nil, true }}
			m := intoMemory(t, Config{MaxPendingBytes: bound}, s)
			_, err := m.remember([]fact.Schema{two})
			require.NoError(t, err)
			facts := make([]fact.Fact, callers)
			for i := range facts {
				facts[i] = idFact(fmt.Sprint(i, strings.Repeat("x", size))) // what callers hold is theirs
			}
			before := heap()
			ctx, cancel := context.WithCancel(t.Context())
			release := sync.OnceFunc(func() { cancel(); close(stuck) })
			t.Cleanup(release) // before the Materializer is closed, which waits for them
			done := make(chan error, callers)
			for _, f := range facts {
				go func() { done <- record(ctx, m, f) }()
			}
			waiting := func() (n int) {
				_, n = m.several.Used()
				for _, table := range m.Stats() {
					n += table.Waiting
				}
				return n
			}
			require.Eventually(t, func() bool { return waiting() > callers*3/4 }, time.Minute, time.Millisecond)
			near := func() bool { // as soon as those who were encoding meanwhile wait as well
				grown := heap() - before
				t.Logf("%d MB more for %d callers with %d MB", grown>>20, callers, callers*size>>20)
				return grown < 3*bound
			}
			require.Eventually(t, near, time.Minute, 100*time.Millisecond, "columns grow by doubling, and Record holds the facts as JSON")
			release()
			for range callers {
				<-done
			}
			require.Zero(t, waiting())
			require.NoError(t, m.Flush(t.Context()))
			for _, table := range m.Stats() {
				require.Zero(t, table.PendingBytes)
			}
			taken, _ := m.several.Used()
			require.Zero(t, taken)
			runtime.KeepAlive(facts)
		})
	}
}

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools hold goes at the second
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
