package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

// measured is a fact as a service would define it.
type measured struct {
	ID     string `fact:"id,fact_id"`
	Name   string `fact:"name,low_cardinality"`
	Value  float64
	Labels map[string]string
	Note   *string
	At     time.Time
}

// TestStructsAreStored: facts with structs and with maps go into one insert, and
// the log of a struct gives the same row again.
func TestStructsAreStored(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		schema, err := schemas.FromStruct(measured{}, schemas.StructOptions{OrderBy: []string{"name", "at"}})
		require.NoError(t, err)
		store := fact.NewMemoryStore()
		p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m))
		require.NoError(t, p.EnsureSchemas(t.Context(), schema))
		at := time.UnixMilli(1767323045678)
		note := "why"
		require.NoError(t, p.Record(t.Context(),
			fact.Of(&measured{ID: "a", Name: "x", Value: 1.5, Labels: map[string]string{"k": "v"}, At: at}),
			fact.Fact{Schema: "measured", Data: map[string]any{"id": "b", "name": "x", "value": 2, "at": at}},
			fact.Of(measured{ID: "c", Name: "y", Note: &note, At: at}),
			fact.Of(&measured{Name: "z", At: at}),
		))
		const rows = "SELECT id, name, value, labels, note, toUnixTimestamp64Milli(at) FROM measured WHERE id IN ('a', 'b', 'c') ORDER BY id, name"
		want := "a\tx\t1.5\t{'k':'v'}\t\\N\t1767323045678\nb\tx\t2\t{}\t\\N\t1767323045678\nc\ty\t0\t{}\twhy\t1767323045678"
		require.Equal(t, want, db.Query(t, rows))
		events, err := store.Load(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, "4\t1", db.Query(t, "SELECT count(), countIf(id = '"+events[3].ID+"') FROM measured"))

		db.Exec(t, "TRUNCATE TABLE measured")
		for _, e := range events {
			f, err := fact.FactFromEvent(e)
			require.NoError(t, err)
			require.NoError(t, m.Materialize(t.Context(), f))
		}
		require.Equal(t, want, db.Query(t, rows))

		err = p.Record(t.Context(), fact.Of(&measured{ID: "d", Name: "x"}))
		require.ErrorContains(t, err, `field "at": "0001-01-01T00:00:00Z" is the zero time.Time of Go`)
		err = p.Record(t.Context(), fact.Fact{Schema: "measured", Value: struct {
			Name, Caption string
			At            time.Time
		}{At: at}})
		require.ErrorContains(t, err, `field "caption": is not in the schema "measured"`)
		err = p.Record(t.Context(), fact.Fact{Schema: "measured", Value: struct{ Value string }{}})
		require.ErrorContains(t, err, `field Value: a field of type float64 cannot hold the Go type string`)
		require.ErrorAs(t, err, new(*fact.StructError))
		require.Equal(t, "4", db.Query(t, "SELECT count() FROM measured"))
	})
}
