package clickhouse

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var benchSchema = fact.Schema{
	Name: "bench",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String},
		{Name: "role", Type: fact.LowCardinalityString},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "content", Type: fact.String},
		{Name: "tokens", Type: fact.UInt32},
		{Name: "score", Type: fact.Float64, Nullable: true},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"id"},
}

func benchRow(i int) map[string]any {
	return map[string]any{
		"id": fmt.Sprintf("c-%08d", i), "role": []string{"user", "assistant"}[i%2], "model": fmt.Sprintf("model-%d", i%7),
		"content": strings.Repeat("some words of a chat message ", 8), "tokens": i % 5000, "created_at": int64(1770000000000 + i),
	}
}

// BenchmarkMaterialize encodes facts from maps and stores them.
func BenchmarkMaterialize(b *testing.B) {
	db := enginetest.Database(b)
	for _, size := range []int{1, 1000} {
		facts := make([]fact.Fact, size)
		for i := range facts {
			facts[i] = fact.Fact{Schema: "bench", ID: fmt.Sprint(i), Data: benchRow(i)}
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m := materializer(b, Config{DSN: db.DSN})
			require.NoError(b, m.EnsureSchema(b.Context(), benchSchema))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				facts[0].ID = fmt.Sprint("n", n)
				require.NoError(b, m.Materialize(b.Context(), facts...))
			}
			b.ReportMetric(float64(size*n)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

// BenchmarkMaterializeTogether has goroutines that store one fact at a time,
// each the next one when the last is stored.
func BenchmarkMaterializeTogether(b *testing.B) {
	db := enginetest.Database(b)
	for _, goroutines := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			m := materializer(b, Config{DSN: db.DSN})
			require.NoError(b, m.EnsureSchema(b.Context(), benchSchema))
			b.ReportAllocs()
			var next atomic.Int64
			requireAllNil(b, together(goroutines, func(int) error {
				for {
					n := int(next.Add(1))
					if n > b.N {
						return nil
					}
					f := fact.Fact{Schema: "bench", ID: fmt.Sprint(goroutines, "-", b.N, "-", n), Data: benchRow(n)}
					if err := m.Materialize(b.Context(), f); err != nil {
						return err
					}
				}
			}))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "facts/s")
			b.ReportMetric(float64(m.Stats()[0].Inserts)/b.Elapsed().Seconds(), "inserts/s")
		})
	}
}
