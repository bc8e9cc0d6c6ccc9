package clickhouse

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestUpcastIntoChangedSchema: events of old versions fill a table of the schema of
// today, and the lag says how many are still to come.
func TestUpcastIntoChangedSchema(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	client := open(t, db.DSN)
	old := fact.Schema{Name: "reply", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true}, {Name: "cost_cents", Type: fact.UInt32}, {Name: "at", Type: fact.DateTime64},
	}}
	now := fact.Schema{Name: "answer", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "cost", Type: fact.Decimal, Precision: 12, Scale: 2},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "at", Type: fact.DateTime64},
	}}
	store := fact.NewMemoryStore()
	before := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(materializer(t, Config{Client: client})))
	require.NoError(t, before.EnsureSchemas(t.Context(), old))
	at := time.UnixMilli(1767323045678).UTC()
	for i := range 3 {
		require.NoError(t, before.Record(t.Context(), fact.Fact{Schema: "reply", ID: fmt.Sprint("r", i), Data: map[string]any{"cost_cents": 101 + i, "at": at}}))
	}

	var up fact.Upcasters
	up.Add("reply", 1, func(e fact.Event) (fact.Event, error) {
		var data struct {
			Cents int             `json:"cost_cents"`
			At    json.RawMessage `json:"at"`
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return e, err
		}
		e.Type = "answer"
		e.Metadata = map[string]string{fact.MetadataVersion: "2"}
		e.Data = fmt.Appendf(nil, `{"cost":%d.%02d,"at":%s}`, data.Cents/100, data.Cents%100, data.At)
		return e, nil
	})
	up.Add("answer", 2, func(e fact.Event) (fact.Event, error) {
		e.Data = append(e.Data[:len(e.Data)-1:len(e.Data)-1], `,"model":"unknown"}`...)
		return e, nil
	})
	after := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(materializer(t, Config{Client: client})),
		fact.WithFollow(fact.Follow{Consumer: "answers", Upcast: &up}))
	require.NoError(t, after.EnsureSchemas(t.Context(), now))
	var meter meters
	observed, err := ObserveLag(meterProvider{meter: &meter}, "answers", after.Lag)
	require.NoError(t, err)
	var lag gauges
	require.NoError(t, meter.callback(t.Context(), &lag))
	require.Equal(t, []int64{3}, lag.ints)
	require.NoError(t, observed.Unregister())
	require.Nil(t, meter.callback)

	for range 2 {
		done, err := after.Replay(t.Context(), 0)
		require.NoError(t, err)
		require.EqualValues(t, 3, done.Events)
		require.Zero(t, done.Skipped)
		require.Equal(t, "r0\t1.01\tunknown\t1767323045678\nr1\t1.02\tunknown\t1767323045678\nr2\t1.03\tunknown\t1767323045678",
			db.Query(t, "SELECT id, cost, model, toUnixTimestamp64Milli(at) FROM answer ORDER BY id"))
	}
}
