package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// An old version of a program takes for text what a new one has made JSON. Its text that
// is JSON is stored as it is, as the table's own would have become, and any other text is
// refused, row by row, and never sits in a column of JSON.
func TestOldProgramMeetsJSON(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name        string
		field       fact.Field
		fits, other string
	}{
		{"text", fact.Field{Type: fact.String}, `"{\"a\": 1}"`, `"timeout"`},
		{"a dictionary", fact.Field{Type: fact.LowCardinalityString}, `"[1]"`, `""`},
		{"nullable", fact.Field{Type: fact.String, Nullable: true}, `null`, `"null"`},
		{"a list", fact.Field{Type: fact.String, Array: true}, `["1", "\"x\""]`, `["1", "x"]`},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			schema := func(f fact.Field, typ fact.FieldType) fact.Schema {
				f.Name, f.Type = "j", typ
				return fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, f}}
			}
			program := schema(v.field, v.field.Type)
			fits := func(id string) fact.Fact {
				return fact.Fact{Schema: "t", ID: id, Value: json.RawMessage(`{"j":` + v.fits + `}`)}
			}
			running := materializer(t, db.DSN)
			p := fact.NewPipeline(fact.WithStore(fact.NewMemoryStore(), "s"), fact.WithMaterializer(running))
			require.NoError(t, p.EnsureSchemas(t.Context(), program))
			require.NoError(t, p.Record(t.Context(), fits("before")))
			allowed, err := clickhouse.New(clickhouse.Config{DSN: db.DSN, Allow: []ddl.Hazard{ddl.NeedsRebuild}})
			require.NoError(t, err)
			require.NoError(t, allowed.EnsureSchema(t.Context(), schema(v.field, fact.JSON)))
			require.NoError(t, allowed.Close(t.Context()))
			require.Equal(t, "[json]", db.Query(t, "SELECT comment FROM system.columns WHERE database = currentDatabase() AND table = 't' AND name = 'j'"))

			require.NoError(t, p.Record(t.Context(), fits("running")))
			other := fact.Fact{Schema: "t", ID: "other", Value: json.RawMessage(`{"j":` + v.other + `}`)}
			stored := []string{"before", "load", "running"}
			for _, way := range []struct {
				name  string
				store func(*testing.T, *enginetest.DB, fact.Schema, fact.Fact) error
			}{{"record", recordOne}, {"buffered", bufferOne}, {"replay", replayOne}} {
				require.NoError(t, way.store(t, db, program, fits(way.name)), way.name)
				err := way.store(t, db, program, other)
				require.ErrorIs(t, err, clickhouse.ErrSchema, way.name)
				require.ErrorContains(t, err, `column "j" holds JSON`, way.name)
				stored = append(stored, way.name)
			}
			done := loadLines(t, db, program, `{"id":"other","j":`+v.other+"}\n"+`{"id":"load","j":`+v.fits+"}\n")
			require.EqualValues(t, 1, done.Rows)
			require.EqualValues(t, 1, done.Rejected)
			require.ElementsMatch(t, stored, strings.Split(db.Query(t, "SELECT id FROM t"), "\n"))
		})
	}
}

func loadLines(t *testing.T, db *enginetest.DB, schema fact.Schema, lines string) bulk.Summary {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	defer client.Close()
	done, err := bulk.Load(t.Context(), bulk.Config{
		Client: client, Inputs: []string{file}, Schema: schema.Name, Targets: map[string]bulk.Target{schema.Name: {Schema: schema}},
	})
	require.NoError(t, err)
	return done
}
