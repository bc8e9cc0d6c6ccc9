package erase_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/erase"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

// TestEraseExpired: what is older than the schema's retention goes from the log and the
// tables, and nothing else.
func TestEraseExpired(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	defer client.Close()
	keep := fact.Schema{
		Name: "note", OrderBy: []string{"id"},
		Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "at", Type: fact.DateTime64}},
		Table:  ddl.Options{Retention: ddl.Retention{Field: "at", Days: 30}},
	}
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	events, err := registry.Get(fact.LoggedEventSchema)
	require.NoError(t, err)
	store := fact.NewMemoryStore()
	m, err := clickhouse.New(clickhouse.Config{Client: client})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close(context.Background())) }()
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m), fact.WithFollow(fact.Follow{Consumer: "rows", Events: true}))
	require.NoError(t, p.EnsureSchemas(t.Context(), keep, events.Schema))
	require.Contains(t, db.Query(t, "SHOW CREATE TABLE note FORMAT TSVRaw"), "TTL at + toIntervalDay(30)")
	require.NoError(t, client.Exec(t.Context(), "ALTER TABLE note MODIFY SETTING ttl_only_drop_parts = 1"), "so that the server leaves the rows here")
	for day := range 60 {
		at := time.Now().UTC().AddDate(0, 0, -day)
		for _, kind := range []string{"note", "other"} {
			data := fmt.Appendf(nil, `{"id":"%d","at":%d}`, day, at.UnixMilli())
			require.NoError(t, store.Append(t.Context(), "s", []fact.Event{{ID: fmt.Sprint(day), Type: kind, OccurredAt: at, Data: data}}))
		}
	}
	_, err = p.Replay(t.Context(), 0)
	require.NoError(t, err)

	config := erase.Config{Client: client, Schema: keep, Log: store, Expired: true, DryRun: true}
	report, err := erase.Run(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, []erase.Place{
		{Kind: "log", LookedAt: 120, Left: 30}, {Kind: "table", Name: "note", LookedAt: 60, Left: 30}, {Kind: "events", Name: "event", LookedAt: 120, Left: 30},
	}, report.Places)
	config.DryRun = false
	report, err = erase.Run(t.Context(), config)
	require.NoError(t, err)
	require.Zero(t, report.Left(), "%+v", report)
	require.Equal(t, "30\t30", db.Query(t, "SELECT count(), max(dateDiff('day', at, now())) + 1 FROM note"))
	require.Equal(t, "note\t30\nother\t60", db.Query(t, "SELECT type, count() FROM event GROUP BY type ORDER BY type"))
	left := 0
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		if e.Type == "note" {
			require.Less(t, time.Since(e.OccurredAt), 30*24*time.Hour)
			left++
		}
	}
	require.Equal(t, 30, left)

	config.Schema.Table = nil
	_, err = erase.Run(t.Context(), config)
	require.ErrorContains(t, err, "has no retention")
}
