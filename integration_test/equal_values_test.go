package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
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
	"github.com/factload/factload/internal/soak"
)

// TestSoakEqualValues: rows of random schemas with all types are the same whether
// they are recorded as maps, as structs or as JSON, loaded from a file, replayed
// from the log of each, or loaded from that.
func TestSoakEqualValues(t *testing.T) {
	t.Parallel()
	seed := soak.Seed(t)
	for trial := range soak.Trials(t, 1, 20) {
		t.Run(fmt.Sprint(trial), func(t *testing.T) {
			trial := newEqualTrial(t, random{rand.New(rand.NewPCG(seed, uint64(trial)))})
			for range soak.Scale(1, 10) {
				trial.record(t, soak.Scale(200, 5000))
			}
			trial.load(t)
			trial.replay(t)
			trial.compare(t)
		})
	}
}

// recorded are the tables that facts are recorded into, one for each way.
var recorded = []string{"by_map", "by_struct", "by_json"}

// equalTrial stores the same rows in all ways.
type equalTrial struct {
	random
	fields   []randomField
	schemas  []fact.Schema // of recorded
	file     fact.Schema
	rows     int
	lines    bytes.Buffer // of the file
	texts    bytes.Buffer // what must be in the columns of text
	store    *fact.MemoryStore
	pipeline *fact.Pipeline

	// The databases of what is recorded and loaded, of the log when it is replayed,
	// and of the log when it is loaded.
	first, replayed, loaded *enginetest.DB
}

func newEqualTrial(t *testing.T, r random) *equalTrial {
	t.Helper()
	e := &equalTrial{
		random: r, fields: r.fields(), store: fact.NewMemoryStore(),
		first: enginetest.Database(t), replayed: enginetest.Database(t), loaded: enginetest.Database(t),
	}
	for _, name := range recorded {
		e.schemas = append(e.schemas, schemaOf(name, e.fields))
	}
	e.file = schemaOf("by_file", e.fields)
	e.pipeline = fact.NewPipeline(fact.WithStore(e.store, "s"), fact.WithMaterializer(materializer(t, e.first.DSN)))
	require.NoError(t, e.pipeline.EnsureSchemas(t.Context(), e.schemas...))
	e.first.Exec(t, "CREATE TABLE texts (id String, field String, text String) ENGINE = MergeTree ORDER BY id")
	return e
}

// record records rows in each way, and notes them for the file.
func (e *equalTrial) record(t *testing.T, rows int) {
	t.Helper()
	var facts []fact.Fact
	structs := structType(e.fields)
	texts := json.NewEncoder(&e.texts)
	for range rows {
		row := e.row(fmt.Sprintf("%08d", e.rows), e.fields, structs)
		e.rows++
		facts = append(facts,
			fact.Fact{Schema: "by_map", ID: row.id, Data: row.data},
			fact.Fact{Schema: "by_struct", ID: row.id, Value: row.value},
			fact.Fact{Schema: "by_json", ID: row.id, Value: row.strict})
		e.lines.WriteString(row.loose + "\n")
		for _, text := range row.stored {
			require.NoError(t, texts.Encode(map[string]string{"id": row.id, "field": text[0], "text": text[1]}))
		}
	}
	require.NoError(t, e.pipeline.Record(t.Context(), facts...))
	e.first.Exec(t, "INSERT INTO texts FORMAT JSONEachRow\n"+e.texts.String())
	e.texts.Reset()
}

// load loads the file.
func (e *equalTrial) load(t *testing.T) {
	t.Helper()
	e.loadLines(t, e.first, e.lines.Bytes(), bulk.Rows, e.file)
}

func (e *equalTrial) loadLines(t *testing.T, db *enginetest.DB, lines []byte, format bulk.Format, schemas ...fact.Schema) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	require.NoError(t, os.WriteFile(file, lines, 0o600))
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	defer client.Close()
	c := bulk.Config{Client: client, Targets: make(map[string]bulk.Target), Inputs: []string{file}, Format: format}
	for _, s := range schemas {
		c.Targets[s.Name] = bulk.Target{Schema: s}
	}
	if format == bulk.Rows {
		c.Schema = schemas[0].Name
	}
	summary, err := bulk.Load(t.Context(), c)
	require.NoError(t, err)
	require.Zero(t, summary.Rejected, "%v", summary.FirstRejects)
}

// replay replays the log, and loads it.
func (e *equalTrial) replay(t *testing.T) {
	t.Helper()
	m := materializer(t, e.replayed.DSN)
	require.NoError(t, m.EnsureSchema(t.Context(), e.schemas...))
	done, err := m.Replay(t.Context(), fact.Events(t.Context(), e.store, "s", 0), nil)
	require.NoError(t, err)
	require.EqualValues(t, len(recorded)*e.rows, done.Stored)

	var log bytes.Buffer
	for event, err := range fact.Events(t.Context(), e.store, "s", 0) {
		require.NoError(t, err)
		fmt.Fprintf(&log, `{"id":%q,"type":%q,"data":%s}`+"\n", event.ID, event.Type, event.Data)
	}
	e.loadLines(t, e.loaded, log.Bytes(), bulk.Events, e.schemas...)
}

// compare compares all tables with one, and that with the texts that were given.
func (e *equalTrial) compare(t *testing.T) {
	t.Helper()
	var columns []string
	for _, f := range e.fields {
		column := ddl.QuoteIdent(f.Name)
		columns = append(columns, column)
		if f.Type == fact.NativeJSON {
			// The types of arrays depend on the other rows, but not their values.
			columns = append(columns, "mapFilter((path, type) -> NOT startsWith(type, 'Array'), JSONAllPathsWithTypes("+column+"))")
		}
		if (f.Type == fact.JSON || f.Type == fact.String) && !f.Array {
			e.requireNone(t, "SELECT id, text FROM texts WHERE field = "+ddl.QuoteString(f.Name),
				"SELECT id, assumeNotNull("+column+") FROM by_map", "given and not stored in "+f.Name)
		}
	}
	rows := func(table string) string {
		return "SELECT toString(tuple(" + strings.Join(columns, ", ") + ")) AS row FROM " + table
	}
	tables := []string{e.first.Name + ".by_file"}
	for _, db := range []*enginetest.DB{e.first, e.replayed, e.loaded} {
		for _, name := range recorded {
			tables = append(tables, db.Name+"."+name)
		}
	}
	const reference = "by_map"
	for _, table := range tables {
		require.Equal(t, e.rows, count(t, e.first.Query(t, "SELECT count() FROM "+table)), table)
		e.requireNone(t, rows(table), rows(reference), "in "+table+" and not in "+reference)
		e.requireNone(t, rows(reference), rows(table), "in "+reference+" and not in "+table)
	}
}

func (e *equalTrial) requireNone(t *testing.T, rows, others, msg string) {
	t.Helper()
	require.Empty(t, e.first.Query(t, "SELECT * FROM ("+rows+" EXCEPT "+others+") ORDER BY ALL LIMIT 2"), "%s; the schema is %+v", msg, e.file.Fields)
}
