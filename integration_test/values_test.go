package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestTextOfJSON: Record, a replay of its log and a load of its log store the same
// bytes, which are those that were given.
func TestTextOfJSON(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "raw", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true}, {Name: "j", Type: fact.JSON}, {Name: "m", Type: fact.StringMap},
	}}
	type row struct {
		J string            `fact:"j,json"`
		M map[string]string `fact:"m"`
	}
	texts := []string{
		`{"b":1,"a":2}`, `{"a":1,"a":2}`, `[ 1 ]`, `"\/\u00e9"`, `{"a": 1.0, "b":1e2}`, `"<&>"`, "\"\u2028\"", `{"z":{"y":1,"x":2}}`,
	}
	db, other, loaded := enginetest.Database(t), enginetest.Database(t), enginetest.Database(t)
	m, again := materializer(t, db.DSN), materializer(t, other.DSN)
	store := fact.NewMemoryStore()
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m))
	require.NoError(t, p.EnsureSchemas(t.Context(), schema))
	require.NoError(t, again.EnsureSchema(t.Context(), schema))
	entries := json.RawMessage(`{"b":"1", "a":"\u0032"}`)
	for i, text := range texts {
		require.NoError(t, p.Record(t.Context(),
			fact.Fact{Schema: "raw", ID: fmt.Sprintf("%d raw", i), Data: map[string]any{"j": json.RawMessage(text), "m": entries}},
			fact.Fact{Schema: "raw", ID: fmt.Sprintf("%d string", i), Data: map[string]any{"j": text}},
			fact.Fact{Schema: "raw", ID: fmt.Sprintf("%d struct", i), Value: &row{J: text}},
			fact.Fact{Schema: "raw", ID: fmt.Sprintf("%d whole", i), Value: json.RawMessage(`{ "j" : ` + text + ` }`)},
		))
	}
	const rows = "SELECT id, j, m FROM raw ORDER BY id FORMAT TSVRaw"
	stored := db.Query(t, rows)
	for i, text := range texts {
		for _, kind := range []string{"raw\t" + text + "\t{'b':'1','a':'2'}", "string\t" + text + "\t{}", "struct\t" + text + "\t{}", "whole\t" + text + "\t{}"} {
			require.Contains(t, stored, fmt.Sprintf("%d %s", i, kind))
		}
	}
	events, err := store.Load(t.Context(), "s")
	require.NoError(t, err)
	require.Equal(t, `{"j":`+texts[4]+`,"m":`+string(entries)+`}`, string(events[4*4].Data), "the log keeps the bytes given")
	require.Equal(t, `{ "j" : `+texts[4]+` }`, string(events[4*4+3].Data))
	done, err := again.Replay(t.Context(), fact.Events(t.Context(), store, "s", 0), nil)
	require.NoError(t, err)
	require.Equal(t, int64(4*len(texts)), done.Stored)
	require.Equal(t, stored, other.Query(t, rows))

	err = p.Record(t.Context(), fact.Fact{Schema: "raw", Data: map[string]any{"j": "timeout"}})
	require.ErrorContains(t, err, `field "j": the text is not JSON: "timeout": a string in a json field holds JSON text; to store a JSON string, give it in quotes, as json.Marshal writes it`)
	require.Equal(t, int64(4*len(texts)), loadLog(t, loaded, schema, events))
	require.Equal(t, stored, loaded.Query(t, rows))
}

// loadLog loads events from a file that has their bytes, and returns how many rows
// there are then.
func loadLog(t *testing.T, db *enginetest.DB, schema fact.Schema, events []fact.Event) int64 {
	t.Helper()
	var log bytes.Buffer
	for _, e := range events {
		fmt.Fprintf(&log, `{"id":%q,"type":%q,"data":%s}`+"\n", e.ID, e.Type, e.Data)
	}
	file := filepath.Join(t.TempDir(), "log.jsonl")
	require.NoError(t, os.WriteFile(file, log.Bytes(), 0o600))
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	defer client.Close()
	summary, err := bulk.Load(t.Context(), bulk.Config{
		Client: client, Targets: map[string]bulk.Target{schema.Name: {Schema: schema}}, Inputs: []string{file}, Format: bulk.Events,
	})
	require.NoError(t, err)
	require.Zero(t, summary.Rejected)
	return summary.Rows
}
