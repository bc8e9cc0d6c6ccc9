package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// difference is what a new version of a program says of its table, and the old one
// does not.
type difference struct {
	name   string
	change func(*fact.Schema, *ddl.Options)
	// newOnOld and oldOnNew say whether the columns of the table hold the program's
	// rows: of the new program in a table of the old one, and the other way round.
	newOnOld, oldOnNew bool
}

func differences() []difference {
	field := func(s *fact.Schema, name string) *fact.Field {
		for i := range s.Fields {
			if s.Fields[i].Name == name {
				return &s.Fields[i]
			}
		}
		panic(name)
	}
	return []difference{
		{"a field more", func(s *fact.Schema, _ *ddl.Options) {
			s.Fields = append(s.Fields, fact.Field{Name: "more", Type: fact.String})
		}, true, true}, // the new program adds it
		{"a field more and a sorting key", func(s *fact.Schema, _ *ddl.Options) { // refused as a whole
			s.Fields, s.OrderBy = append(s.Fields, fact.Field{Name: "more", Type: fact.String}), []string{"s", "id"}
		}, false, true},
		{"a sorting key", func(s *fact.Schema, _ *ddl.Options) { s.OrderBy = []string{"s", "id"} }, true, true},
		{"a partition key", func(_ *fact.Schema, o *ddl.Options) { o.PartitionBy = "toYYYYMM(at)" }, true, true},
		{"an engine", func(s *fact.Schema, _ *ddl.Options) { s.ReplaceBy = "at" }, true, true},
		{"a TTL", func(_ *fact.Schema, o *ddl.Options) { o.TTL = "at + INTERVAL 50 YEAR" }, true, true},
		{"comments", func(s *fact.Schema, o *ddl.Options) { o.Comment, field(s, "n").Comment = "the new one's", "a number" }, true, true},
		{"settings", func(_ *fact.Schema, o *ddl.Options) {
			o.Settings = map[string]string{"min_age_to_force_merge_seconds": "100"}
		}, true, true},
		{"a codec and an index", func(_ *fact.Schema, o *ddl.Options) {
			o.Columns = map[string]ddl.ColumnOptions{"s": {Codec: "ZSTD(5)"}}
			o.Indexes = []ddl.Index{{Name: "s_index", Expr: "s", Type: "bloom_filter"}}
		}, true, true},
		{"a default", func(s *fact.Schema, _ *ddl.Options) { field(s, "n").Default = 7 }, true, true},
		{"a wider number", func(s *fact.Schema, _ *ddl.Options) { field(s, "n").Type = fact.Int64 }, false, true},
		{"one more value of an enum", func(s *fact.Schema, _ *ddl.Options) { field(s, "e").Values = []string{"a", "b", "c"} }, true, true},
		{"a dictionary of texts", func(s *fact.Schema, _ *ddl.Options) { field(s, "s").Type = fact.LowCardinalityString }, true, true},
		{"null", func(s *fact.Schema, _ *ddl.Options) { field(s, "s").Nullable = true }, false, true},
		{"finer times", func(s *fact.Schema, _ *ddl.Options) { field(s, "at").Precision = 6 }, false, true},
		{"another type", func(s *fact.Schema, _ *ddl.Options) { field(s, "s").Type = fact.UInt32 }, false, false},
	}
}

// Programs and tables of different age get along: whatever differs, Record in both
// modes, a load and a replay go on exactly where the columns of the table hold the
// program's rows, and elsewhere say what is in the way and store nothing. What the
// table has of its own is there at the end in any case.
func TestDifferencesAreNoOutage(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for i, d := range differences() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			oldSchema, newSchema := versions(fmt.Sprintf("t%d", i), d)
			t.Run("new program", func(t *testing.T) {
				playDifference(t, db, newSchema, oldSchema, d.newOnOld)
			})
			oldSchema.Name, newSchema.Name = oldSchema.Name+"_new", newSchema.Name+"_new"
			t.Run("old program", func(t *testing.T) {
				playDifference(t, db, oldSchema, newSchema, d.oldOnNew)
			})
		})
	}
}

// versions returns the schemas of the old and of the new program.
func versions(table string, d difference) (oldSchema, newSchema fact.Schema) {
	version := func() fact.Schema {
		return fact.Schema{Name: table, OrderBy: []string{"id"}, Fields: []fact.Field{
			{Name: "id", Type: fact.String, FactID: true},
			{Name: "n", Type: fact.Int32},
			{Name: "e", Type: fact.Enum, Values: []string{"a", "b"}},
			{Name: "s", Type: fact.String},
			{Name: "at", Type: fact.DateTime64},
		}}
	}
	oldSchema, newSchema = version(), version()
	var options ddl.Options
	d.change(&newSchema, &options)
	oldSchema.Table, newSchema.Table = ddl.Options{}, options
	return oldSchema, newSchema
}

// playDifference lets a program work on a table that was made for another schema,
// and that its owner has changed since.
func playDifference(t *testing.T, db *enginetest.DB, program, made fact.Schema, holds bool) {
	t.Helper()
	table := made.Name
	require.NoError(t, materializer(t, db.DSN).EnsureSchema(t.Context(), made))
	db.Exec(t, "ALTER TABLE "+table+" ADD COLUMN own String DEFAULT 'theirs' COMMENT 'their own' CODEC(ZSTD(7)), "+
		"COMMENT COLUMN id 'their id', ADD INDEX own_index own TYPE minmax, MODIFY SETTING merge_with_ttl_timeout = 7777")
	text := `"text"`
	if f, _ := program.FieldByName("s"); f.Type == fact.UInt32 {
		text = "7"
	}
	data := fmt.Sprintf(`,"n":-70000,"e":"b","s":%s,"at":"2026-01-02T03:04:05Z"`, text)
	storeEachWay(t, db, program, data, func(way string, err error) {
		if holds {
			require.NoError(t, err, way)
			return
		}
		require.ErrorIs(t, err, clickhouse.ErrSchema, way)
		require.ErrorContains(t, err, table, way)
	})
	stored := "[]"
	if holds {
		stored = "['buffered','load','record','replay']"
	}
	require.Equal(t, stored, db.Query(t, "SELECT arraySort(groupArray(id)) FROM "+table))
	create := db.Query(t, "SHOW CREATE TABLE "+table+" FORMAT TSVRaw")
	for _, own := range append(ownParts(made), "`own` String DEFAULT 'theirs' COMMENT 'their own' CODEC(ZSTD(7))",
		"INDEX own_index own TYPE minmax", "merge_with_ttl_timeout = 7777", "COMMENT 'their id'") {
		require.Contains(t, create, own)
	}
}

// ownParts are what a table has of its options, as the server prints it.
func ownParts(made fact.Schema) (parts []string) {
	options, _ := made.Table.(ddl.Options)
	if options.TTL != "" {
		parts = append(parts, "TTL at + toIntervalYear(50)")
	}
	if options.Comment != "" {
		parts = append(parts, "COMMENT 'the new one\\'s'", "COMMENT 'a number'")
	}
	for name, value := range options.Settings {
		parts = append(parts, name+" = "+value)
	}
	if options.Indexes != nil {
		parts = append(parts, "INDEX s_index s TYPE bloom_filter", "CODEC(ZSTD(5))")
	}
	if f, _ := made.FieldByName("n"); f.Default != nil {
		parts = append(parts, "DEFAULT 7")
	}
	return parts
}

// start returns a pipeline that has ensured the schema as far as it may, and a
// function that checks that the table has not been changed since.
func start(t *testing.T, db *enginetest.DB, c clickhouse.Config, schema fact.Schema, store fact.EventStore) (*clickhouse.Materializer, *fact.Pipeline, func()) {
	t.Helper()
	m, err := clickhouse.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.WithoutCancel(t.Context()))) })
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m))
	if err := p.EnsureSchemas(t.Context(), schema); err != nil {
		require.ErrorIs(t, err, clickhouse.ErrSchema)
	}
	create := func() string { return db.Query(t, "SHOW CREATE TABLE "+schema.Name) }
	before := create()
	return m, p, func() { require.Equal(t, before, create(), "recording changes no table") }
}

func recordOne(t *testing.T, db *enginetest.DB, schema fact.Schema, f fact.Fact) error {
	t.Helper()
	_, p, unchanged := start(t, db, clickhouse.Config{DSN: db.DSN}, schema, fact.NewMemoryStore())
	defer unchanged()
	return p.Record(t.Context(), f)
}

func bufferOne(t *testing.T, db *enginetest.DB, schema fact.Schema, f fact.Fact) error {
	t.Helper()
	failed := make(chan error, 1)
	c := clickhouse.Config{DSN: db.HTTPDSN, Mode: clickhouse.Buffered, OnFailure: func(f clickhouse.Failure) { failed <- f.Err }}
	m, p, unchanged := start(t, db, c, schema, fact.NewMemoryStore())
	defer unchanged()
	err := errors.Join(p.Record(t.Context(), f), m.Flush(t.Context()))
	select {
	case failure := <-failed:
		return failure
	default:
		return err
	}
}

func loadOne(t *testing.T, db *enginetest.DB, schema fact.Schema, f fact.Fact) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	data, _ := f.Value.(json.RawMessage)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	defer client.Close()
	options, _ := schema.Table.(ddl.Options)
	_, err = bulk.Load(t.Context(), bulk.Config{
		Client: client, Inputs: []string{file}, Schema: schema.Name, Targets: map[string]bulk.Target{schema.Name: {Schema: schema, Table: options}},
	})
	return err
}

func replayOne(t *testing.T, db *enginetest.DB, schema fact.Schema, f fact.Fact) error {
	t.Helper()
	store := fact.NewMemoryStore()
	require.NoError(t, fact.NewPipeline(fact.WithStore(store, "s")).Record(t.Context(), f))
	_, p, unchanged := start(t, db, clickhouse.Config{DSN: db.DSN}, schema, store)
	defer unchanged()
	done, err := p.Replay(t.Context(), 0)
	if err == nil {
		require.EqualValues(t, 1, done.Stored)
	}
	return err
}
