package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

func TestDefaultsAreWhatWasGiven(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	ddltest.Apply(t, db, ddltest.NewTable(t, ddltest.DefaultsSchema(), ddl.Options{}))
	db.Exec(t, "INSERT INTO defaults (id) VALUES ('a')")
	for _, d := range ddltest.DefaultValues {
		got := db.Query(t, fmt.Sprintf("SELECT %s FROM defaults FORMAT TSV", ddl.QuoteIdent(d.Field.Name)))
		require.Equal(t, d.Want, got, d.Field.Name)
	}
}

func TestAddColumns(t *testing.T) {
	t.Parallel()
	full := ddltest.MessageSchema()
	for _, c := range []struct {
		name string
		keep []string // the fields of the first version
	}{
		{"last", []string{"conversation_id", "role", "content", "prompt_tokens", "score", "tags", "created_at"}},
		{"first", []string{"role", "content", "created_at"}},
		{"middle", []string{"conversation_id", "created_at"}},
		{"all but one", []string{"created_at"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			older := fact.Schema{Name: full.Name}
			for _, f := range full.Fields {
				if slices.Contains(c.keep, f.Name) {
					older.Fields = append(older.Fields, f)
				}
			}
			newer := full
			newer.OrderBy = nil // a sorting key takes no new columns
			ddltest.Apply(t, db, ddltest.NewTable(t, older, ddl.Options{}))
			db.Exec(t, "INSERT INTO message (created_at) VALUES ('2024-01-01 00:00:00')")

			want := ddltest.Printed(t, db, ddltest.NewTable(t, newer, ddl.Options{Columns: map[string]ddl.ColumnOptions{"payload": {TTL: "created_at + INTERVAL 1000 YEAR"}}}))
			plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "message"))
			require.Len(t, plan.Statements, 1)
			require.Equal(t, ddl.MetadataOnly, plan.Statements[0].Hazard)
			require.NoError(t, plan.Check())
			db.Exec(t, plan.Statements[0].SQL)
			db.Exec(t, plan.Statements[0].SQL) // by another process at the same time

			have := ddltest.Inspect(t, db, "message")
			require.Empty(t, diff.Diff(want, have))
			require.True(t, ddltest.Apply(t, db, want).Empty())
			for i, column := range want.Canonical().Columns {
				require.Equal(t, column, have.Canonical().Columns[i], "columns are where the schema has them")
			}
			require.Equal(t, "2024-01-01 00:00:00.000\t0\t[]\t\\N", db.Query(t, "SELECT created_at, prompt_tokens, tags, score FROM message FORMAT TSV"))
		})
	}
}

func TestAddColumnOfEveryType(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	id := fact.Field{Name: "id", Type: fact.String}
	ddltest.Apply(t, db, ddltest.NewTable(t, fact.Schema{Name: "defaults", Fields: []fact.Field{id}, OrderBy: []string{"id"}}, ddl.Options{}))
	db.Exec(t, "INSERT INTO defaults VALUES ('a')")
	want := ddltest.NewTable(t, ddltest.DefaultsSchema(), ddl.Options{})
	ddltest.Apply(t, db, want)
	ddltest.RequireSame(t, db, want)
	for _, d := range ddltest.DefaultValues {
		got := db.Query(t, fmt.Sprintf("SELECT %s FROM defaults FORMAT TSV", ddl.QuoteIdent(d.Field.Name)))
		require.Equal(t, d.Want, got, d.Field.Name)
	}
}

func TestUnknownColumnsAreKept(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	ddltest.Apply(t, db, ddltest.NewTable(t, ddltest.MessageSchema(), ddl.Options{}))
	db.Exec(t, "ALTER TABLE message ADD COLUMN `by hand` String, ADD COLUMN day Date MATERIALIZED toDate(created_at)")
	smaller := ddltest.MessageSchema()
	smaller.Fields = slices.DeleteFunc(smaller.Fields, func(f fact.Field) bool { return f.Name == "payload" })
	plan := diff.MakePlan(ddltest.Printed(t, db, ddltest.NewTable(t, smaller, ddl.Options{})), ddltest.Inspect(t, db, "message"))
	require.True(t, plan.Empty())
	require.NoError(t, plan.Check())
	require.Len(t, plan.Notes, 3)
	require.Contains(t, plan.Notes[0], `"payload" String`)
	require.Contains(t, plan.Notes[1], `"by hand" String`)
	require.Contains(t, plan.Notes[2], `"day" Date`)
}

// TestRefusedChanges holds what the default policy must not do to a table with
// rows in it.
func TestRefusedChanges(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	const name = "refused"
	db.Exec(t, `CREATE TABLE refused (id String, n UInt32, e Enum8('a' = 1, 'b' = 2), at DateTime64(3, 'UTC') CODEC(Delta, ZSTD), twice UInt64 MATERIALIZED n * 2)
		ENGINE = ReplacingMergeTree(n) PARTITION BY toYYYYMM(at) PRIMARY KEY id ORDER BY (id, at)
		SETTINGS non_replicated_deduplication_window = 10000`)
	base := fact.Schema{Name: name, OrderBy: []string{"id", "at"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String},
		{Name: "n", Type: fact.UInt32},
		{Name: "e", Type: fact.Enum, Values: []string{"a", "b"}},
		{Name: "at", Type: fact.DateTime64},
	}}
	same := ddl.Options{Engine: "ReplacingMergeTree(`n`)", PartitionBy: "(toYYYYMM(`at`))", PrimaryKey: []string{"id"}}
	field := func(i int, f fact.Field) func(*fact.Schema, *ddl.Options) {
		return func(s *fact.Schema, _ *ddl.Options) { s.Fields[i] = f }
	}
	for _, c := range []struct {
		name   string
		mutate func(*fact.Schema, *ddl.Options)
		hazard ddl.Hazard
		why    string
	}{
		{"narrower", field(1, fact.Field{Name: "n", Type: fact.UInt16}), ddl.NeedsRebuild, `change column "n" from UInt32 to UInt16; stored values may not fit the new type`},
		{"wider", field(1, fact.Field{Name: "n", Type: fact.UInt64}), ddl.RewritesData, `change column "n" from UInt32 to UInt64; every stored value fits the new type`},
		{"key column", field(0, fact.Field{Name: "id", Type: fact.LowCardinalityString}), ddl.NeedsRebuild, `change column "id" from String to LowCardinality(String); a key of the table uses it`},
		{"enum loses a value", field(2, fact.Field{Name: "e", Type: fact.Enum, Values: []string{"a"}}), ddl.NeedsRebuild, `change column "e" from Enum8('a' = 1, 'b' = 2) to Enum8('a' = 1); stored values may not fit the new type`},
		{"computed column", func(s *fact.Schema, _ *ddl.Options) {
			s.Fields = append(s.Fields, fact.Field{Name: "twice", Type: fact.UInt64})
		}, ddl.NeedsRebuild, `change column "twice" from materialized to ordinary`},
		{"sorting key", func(s *fact.Schema, _ *ddl.Options) { s.OrderBy = []string{"id"} }, ddl.NeedsRebuild, "change sorting key from (id, at) to (id)"},
		{"no sorting key", func(s *fact.Schema, o *ddl.Options) { s.OrderBy, o.PrimaryKey = nil, nil }, ddl.NeedsRebuild, "change sorting key from (id, at) to ()"},
		{"primary key", func(_ *fact.Schema, o *ddl.Options) { o.PrimaryKey = nil }, ddl.NeedsRebuild, "change primary key from (id) to (id, at)"},
		{"partition", func(_ *fact.Schema, o *ddl.Options) { o.PartitionBy = "toYYYYMMDD(at)" }, ddl.NeedsRebuild, "change partition key from toYYYYMM(at) to toYYYYMMDD(at)"},
		{"no partition", func(_ *fact.Schema, o *ddl.Options) { o.PartitionBy = "" }, ddl.NeedsRebuild, "change partition key from toYYYYMM(at) to none"},
		{"engine", func(_ *fact.Schema, o *ddl.Options) { o.Engine = "" }, ddl.NeedsRebuild, "change engine from ReplacingMergeTree(n) to MergeTree"},
		{"engine argument", func(_ *fact.Schema, o *ddl.Options) { o.Engine = "ReplacingMergeTree(at)" }, ddl.NeedsRebuild, "change engine from ReplacingMergeTree(n) to ReplacingMergeTree(at)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, o := base, same
			s.Fields = slices.Clone(s.Fields)
			plan := diff.MakePlan(ddltest.Printed(t, db, ddltest.NewTable(t, s, o)), ddltest.Inspect(t, db, name))
			require.True(t, plan.Empty(), "the table as it is: %v", plan)

			c.mutate(&s, &o)
			plan = diff.MakePlan(ddltest.Printed(t, db, ddltest.NewTable(t, s, o)), ddltest.Inspect(t, db, name))
			plan.Statements = slices.DeleteFunc(plan.Statements, func(s diff.Statement) bool { return s.Hazard == ddl.MetadataOnly })
			require.Len(t, plan.Statements, 1)
			require.Equal(t, c.hazard, plan.Statements[0].Hazard)
			require.True(t, strings.HasPrefix(plan.Statements[0].Why, c.why), "%s", plan.Statements[0].Why)
			var refused *diff.RefusedError
			require.ErrorAs(t, plan.Check(), &refused)
			require.ErrorContains(t, refused, c.why)
			require.ErrorContains(t, refused, c.hazard.String())
		})
	}
}

func TestOtherEnginesAreRefused(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, create := range []string{
		"CREATE TABLE x (id String) ENGINE = Memory",
		"CREATE TABLE x (id String) ENGINE = Log",
		"CREATE TABLE x (id String) ENGINE = Buffer(currentDatabase(), y, 1, 1, 1, 1, 1, 1, 1)",
		"CREATE VIEW x AS SELECT '' AS id",
		"CREATE TABLE x (id String) ENGINE = Null",
	} {
		db.Exec(t, create)
		want := ddltest.NewTable(t, fact.Schema{Name: "x", Fields: []fact.Field{{Name: "id", Type: fact.String}}}, ddl.Options{})
		plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "x"))
		require.Len(t, plan.Statements, 1, create)
		require.Contains(t, plan.Statements[0].Why, "change engine", create)
		require.Error(t, plan.Check(ddl.Hazards()...), create)
		db.Exec(t, "DROP TABLE x SYNC")
	}
}

// A column that ClickHouse takes for a part of one that is there, or the other
// way round, is not added: the server would do nothing, or not read the table any
// more.
func TestClashingColumns(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, c := range []struct {
		have  string
		field fact.Field
		ok    bool
	}{
		{"`message.level` String", fact.Field{Name: "message", Type: fact.String}, false},
		{"`a.b.c` String", fact.Field{Name: "a.b", Type: fact.String}, false},
		{"error String", fact.Field{Name: "error.stack", Type: fact.String, Array: true}, false},
		{"`n.a` Array(String)", fact.Field{Name: "n.b", Type: fact.String, Array: true}, false},
		{"message String", fact.Field{Name: "message.level", Type: fact.String}, true},
		{"`n.a` Array(String)", fact.Field{Name: "n.b", Type: fact.String}, true},
	} {
		db.Exec(t, "CREATE TABLE t (id String, "+c.have+") ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000")
		db.Exec(t, "INSERT INTO t (id) VALUES ('a')")
		want := ddltest.NewTable(t, fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String}, c.field}}, ddl.Options{})
		plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t"))
		require.Len(t, plan.Statements, 1)
		if c.ok {
			require.NoError(t, plan.Check())
			db.Exec(t, plan.Statements[0].SQL)
			db.Exec(t, "INSERT INTO t (id) VALUES ('b')")
			require.Equal(t, "2", db.Query(t, "SELECT count() FROM (SELECT * FROM t)"))
			require.Empty(t, diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t")).Statements)
		} else {
			require.ErrorContains(t, plan.Check(ddl.Hazards()...), "ClickHouse takes one for a part of the other")
		}
		db.Exec(t, "DROP TABLE t SYNC")
	}
}
