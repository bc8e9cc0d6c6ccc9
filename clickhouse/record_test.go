package clickhouse

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

func TestConcurrentCallsShareInserts(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
		const callers, rounds = 64, 10
		requireAllNil(t, together(callers, func(i int) error {
			for r := range rounds {
				if err := m.Materialize(t.Context(), idFact(fmt.Sprint(i, "-", r))); err != nil {
					return err
				}
			}
			return nil
		}))
		require.Equal(t, "640\t640", db.Query(t, "SELECT count(), uniqExact(id) FROM with_id"))
		s := m.Stats()[0]
		require.EqualValues(t, callers*rounds, s.Rows)
		require.Less(t, s.Inserts, int64(callers*rounds/4))
		require.Equal(t, fmt.Sprint(s.Inserts), db.Query(t,
			"SELECT max(max_block_number) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'with_id'"), "each insert makes one block")
	})
}

// TestOneBadRowFailsAlone has the server refuse a row that the client cannot
// know to be bad.
func TestOneBadRowFailsAlone(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
		db.Exec(t, "ALTER TABLE with_id ADD CONSTRAINT c CHECK n < 1000")
		errs := together(100, func(i int) error {
			f := idFact(fmt.Sprint(i))
			if i%10 == 3 {
				f.Data["n"] = 5000
			}
			return m.Materialize(t.Context(), f)
		})
		for i, err := range errs {
			if i%10 != 3 {
				require.NoError(t, err, i)
				continue
			}
			require.ErrorIs(t, err, ErrRejected)
			require.ErrorContains(t, err, "VIOLATED_CONSTRAINT")
		}
		require.Equal(t, "90\t90", db.Query(t, "SELECT count(), uniqExact(id) FROM with_id"))
	})
}

func TestDroppedTableIsMadeAgain(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
		require.NoError(t, m.Materialize(t.Context(), idFact("a")))
		db.Exec(t, "DROP TABLE with_id SYNC")
		require.NoError(t, m.Materialize(t.Context(), idFact("b")))
		require.Equal(t, "b", db.Query(t, "SELECT id FROM with_id"))
	})
}

func TestMaterializeMissing(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		byUUID := fact.Schema{Name: "by uuid", Fields: []fact.Field{{Name: "the `id`", Type: fact.UUID, FactID: true}, {Name: "n", Type: fact.UInt32}}}
		require.NoError(t, m.EnsureSchema(t.Context(), idSchema, byUUID, pairSchema))
		var facts, others []fact.Fact
		for i, id := range append([]string{"it's", `back\slash`, "new\nline", "ü", "{a:String}", "?", "$1", "'; DROP TABLE x"}, strings.Fields(strings.Repeat("x ", 4000))...) {
			if id == "x" {
				id = fmt.Sprintf("a-rather-long-id-of-fact-number-%d", i)
			}
			facts = append(facts, idFact(id))
			others = append(others, fact.Fact{Schema: "by uuid", ID: fmt.Sprintf("61F0C404-5cb3-11e7-907b-%012d", i), Data: map[string]any{"n": i}})
		}
		requireAllNil(t, together(20, func(i int) error { return m.Materialize(t.Context(), facts[i*3], others[i*3]) }))

		restarted := materializer(t, Config{Client: m.client})
		require.NoError(t, restarted.EnsureSchema(t.Context(), idSchema, byUUID, pairSchema))
		all := append(append([]fact.Fact{}, facts...), others...)
		stored, err := restarted.MaterializeMissing(t.Context(), append(all, all[len(all)/3:]...)...)
		require.NoError(t, err)
		require.Equal(t, len(all)-40, stored)
		want := fmt.Sprintf("%d\t%d", len(facts), len(facts))
		require.Equal(t, want, db.Query(t, "SELECT count(), uniqExact(id) FROM with_id"))
		require.Equal(t, want, db.Query(t, "SELECT count(), uniqExact(`the \\`id\\``) FROM `by uuid`"))

		for _, m := range []*Materializer{m, restarted} {
			stored, err = m.MaterializeMissing(t.Context(), all...)
			require.NoError(t, err)
			require.Zero(t, stored)
		}
		_, err = m.MaterializeMissing(t.Context(), idFact("new"), pair("pair", "1", "a", 1))
		require.ErrorIs(t, err, ErrSchema)
		require.ErrorContains(t, err, `schema "pair" has no field that carries the fact's ID`)
		require.Equal(t, want, db.Query(t, "SELECT count(), uniqExact(id) FROM with_id"), "nothing is stored")
	})
}

// TestMaterializeMissingWaitsForOlderInserts has an insert under way, of a
// process that has given up on it, while the same facts are replayed.
func TestMaterializeMissingWaitsForOlderInserts(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *Client) {
		require.NoError(t, migrate.New(c).Ensure(t.Context(), chtest.NewTable(t, idSchema, ddl.Options{})))
		b := chtest.Compile(t, idSchema).NewBlock()
		for _, f := range idFacts("id", 100_000) {
			require.NoError(t, b.AppendFact(f.ID, f.Data))
		}
		var held atomic.Bool
		release := make(chan struct{})
		hold := func(total int) bool {
			if total > 500_000 && held.CompareAndSwap(false, true) {
				<-release
			}
			return true
		}
		p.OnBytes.Store(&hold)
		inserted := make(chan error, 1)
		go func() {
			inserted <- insert.New(c).Insert(t.Context(), insert.Insert{Table: idSchema.Name, Block: b, Token: "x"})
		}()
		for !held.Load() {
			runtime.Gosched()
		}
		m := materializer(t, Config{DSN: db.DSN})
		require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
		replayed := make(chan int, 1)
		go func() {
			n, err := m.MaterializeMissing(t.Context(), idFacts("id", 10)...)
			if err != nil {
				t.Error(err)
			}
			replayed <- n
		}()
		select {
		case n := <-replayed:
			t.Fatalf("it did not wait, and stored %d", n)
		case <-time.After(300 * time.Millisecond):
		}
		close(release)
		require.NoError(t, <-inserted)
		require.Zero(t, <-replayed)
		require.Equal(t, "100000", db.Query(t, "SELECT count() FROM with_id"))
	})
}

// TestAFailingTableHoldsUpNobody compares what four tables get done in the same
// time with and without a fifth that always fails. It is not parallel: other
// tests would disturb the comparison.
func TestAFailingTableHoldsUpNobody(t *testing.T) {
	db := enginetest.Database(t)
	const goroutines, tables, rounds = 1000, 5, 1
	name := func(i int) string { return fmt.Sprint("t", i%tables) }
	run := func(round int, failing bool) (done int64) {
		m, err := New(Config{DSN: db.DSN, RetryBudget: time.Hour})
		require.NoError(t, err)
		if failing {
			down := &memorySink{answer: func(context.Context, []string) (error, bool) { return retryable(), false }}
			up := m.sink
			m.sink = func(entry *schemaEntry) groupcommit.Sink {
				if entry.table.Name == "t0" {
					return down
				}
				return up(entry)
			}
		}
		for i := range tables {
			require.NoError(t, m.EnsureSchema(t.Context(), named(pairSchema, name(i))))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var stored atomic.Int64
		together(goroutines, func(g int) error {
			for i := 0; ctx.Err() == nil; i++ {
				err := m.Materialize(ctx, pair(name(g), fmt.Sprint(round, failing, g, "-", i), "x", 1))
				if err == nil && g%tables != 0 {
					stored.Add(1)
				}
			}
			return nil
		})
		_ = m.Close(ctx) // it has ended, and the failing table still has rows
		return stored.Load()
	}
	var with, without int64
	for round := range rounds {
		without += run(round, false)
		with += run(round, true)
	}
	t.Logf("rows of the other tables: %d with a failing table, %d without", with, without)
	require.Greater(t, with, without/10, "they do not wait for the failing table")
}

// TestServerIsDownAtStart has calls wait for a server that comes up later.
func TestServerIsDownAtStart(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Acknowledged, Buffered} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			addr := chtest.ClosedAddr(t)
			m := materializer(t, Config{DSN: chtest.WithDSN(t, db.DSN, func(u *url.URL) { u.Host = addr }), Mode: mode})
			require.ErrorIs(t, m.EnsureSchema(t.Context(), idSchema), ErrRetryable)
			up := make(chan struct{})
			time.AfterFunc(time.Second, func() {
				defer close(up)
				listener, err := net.Listen("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				chtest.Forward(t, listener, chtest.Host(t, db.DSN))
			})
			requireAllNil(t, together(50, func(i int) error { return m.Materialize(t.Context(), idFact(fmt.Sprint(i))) }))
			require.NoError(t, m.Flush(t.Context()))
			<-up
			require.Equal(t, "50\t50", db.Query(t, "SELECT count(), uniqExact(id) FROM with_id"))
		})
	}
}

// TestConnectionsAreCutUnderLoad cuts all connections again and again.
func TestConnectionsAreCutUnderLoad(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	p, dsn := chtest.NewProxy(t, db.DSN, nil)
	m := materializer(t, Config{DSN: dsn})
	require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		// More and more seldom: on a slow machine no insert fits in between at first.
		for pause := 50 * time.Millisecond; retry.Sleep(ctx, pause); pause += pause / 10 {
			p.CutAll()
		}
	})
	var rows atomic.Int64
	requireAllNil(t, together(50, func(i int) error {
		for r := 0; r < 10 || m.Stats()[0].Retries == 0; r++ { // on a fast machine no insert is cut at first
			if err := m.Materialize(t.Context(), idFact(fmt.Sprint(i, "-", r))); err != nil {
				return err
			}
			rows.Add(1)
		}
		return nil
	}))
	cancel()
	wg.Wait()
	require.Equal(t, fmt.Sprintf("%[1]d\t%[1]d", rows.Load()), db.Query(t, "SELECT count(), uniqExact(id) FROM with_id"))
}

// TestMemoryIsBounded pushes far more rows than there is room for at a slow
// server.
func TestMemoryIsBounded(t *testing.T) {
	s := &memorySink{answer: func(ctx context.Context, _ []string) (error, bool) {
		return nil, retry.Sleep(ctx, 20*time.Millisecond) && false // it forgets them
	}}
	const bound = 4 << 20
	m := intoMemory(t, Config{Mode: Buffered, MaxPendingBytes: bound, MaxBlockBytes: 1 << 20}, s)
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, most, pending := heap(), uint64(0), int64(0)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for retry.Sleep(ctx, 20*time.Millisecond) {
			most, pending = max(most, heap()), max(pending, m.Stats()[0].PendingBytes)
		}
	})
	text := strings.Repeat("x", 20_000)
	requireAllNil(t, together(64, func(i int) error {
		for r := range 100 {
			if err := m.Materialize(t.Context(), idFact(fmt.Sprint(i, "-", r, text))); err != nil {
				return err
			}
		}
		return nil
	}))
	cancel()
	wg.Wait()
	t.Logf("128 MB were pushed; most pending %d, heap %d more than before", pending, int64(most)-int64(before))
	require.LessOrEqual(t, pending, int64(bound+runtime.GOMAXPROCS(0)*4*21_000), "what entered at the same moment")
	require.Greater(t, pending, int64(bound/2), "the bound was reached")
	// Columns grow by doubling, blocks are kept for later, and 64 callers hold
	// rows of their own: far from 128 MB all the same.
	require.Less(t, most, before+10*bound)
}
