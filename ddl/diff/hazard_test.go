package diff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// hazardBase is the table that hazardCases change.
func hazardBase() (fact.Schema, ddl.Options) {
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String},
		{Name: "n", Type: fact.UInt32, Default: 5, Comment: "a number"},
		{Name: "body", Type: fact.String},
		{Name: "at", Type: fact.DateTime64},
	}}
	o := ddl.Options{
		TTL: "at + INTERVAL 40 YEAR", Comment: "a table", Settings: map[string]string{"merge_with_ttl_timeout": "100"},
		Columns:     map[string]ddl.ColumnOptions{"body": {TTL: "at + INTERVAL 40 YEAR"}, "n": {Codec: "T64, LZ4"}},
		Indexes:     []ddl.Index{{Name: "by_n", Expr: "n", Type: "minmax", Granularity: 1}},
		Projections: []ddl.Projection{{Name: "ordered", Select: "SELECT id, at ORDER BY at"}},
	}
	return s, o
}

// hazardCases hold every change that a statement can make in place, and what
// it costs.
var hazardCases = []struct {
	name   string
	change func(*fact.Schema, *ddl.Options)
	sql    string // a part of the statement
	hazard ddl.Hazard
	prune  bool
}{
	{name: "new default", change: func(s *fact.Schema, _ *ddl.Options) { s.Fields[1].Default = 6 }, sql: "MODIFY COLUMN `n` DEFAULT 6"},
	{name: "no default", change: func(s *fact.Schema, _ *ddl.Options) { s.Fields[1].Default = nil }, sql: "MODIFY COLUMN `n` REMOVE DEFAULT", hazard: ddl.DropsMetadata, prune: true},
	{name: "first default", change: func(s *fact.Schema, _ *ddl.Options) { s.Fields[2].Default = "it's" }, sql: "MODIFY COLUMN `body` DEFAULT 'it\\'s'"},
	{name: "new comment", change: func(s *fact.Schema, _ *ddl.Options) { s.Fields[1].Comment = "it's" }, sql: "COMMENT COLUMN `n` 'it\\'s'"},
	{name: "no comment", change: func(s *fact.Schema, _ *ddl.Options) { s.Fields[1].Comment = "" }, sql: "COMMENT COLUMN `n` ''", hazard: ddl.DropsMetadata, prune: true},
	{name: "new codec", change: columnOption("n", ddl.ColumnOptions{Codec: "Delta, ZSTD"}), sql: "MODIFY COLUMN `n` CODEC(Delta, ZSTD)"},
	{name: "no codec", change: columnOption("n", ddl.ColumnOptions{}), sql: "MODIFY COLUMN `n` REMOVE CODEC", hazard: ddl.DropsMetadata, prune: true},
	{name: "no column TTL", change: columnOption("body", ddl.ColumnOptions{}), sql: "MODIFY COLUMN `body` REMOVE TTL", hazard: ddl.DropsMetadata, prune: true},
	{name: "longer column TTL", change: columnOption("body", ddl.ColumnOptions{TTL: "at + INTERVAL 50 YEAR"}), sql: "MODIFY COLUMN `body` TTL at + toIntervalYear(50)", hazard: ddl.RewritesData},
	{name: "shorter column TTL", change: columnOption("body", ddl.ColumnOptions{TTL: "at + INTERVAL 1 YEAR"}), sql: "MODIFY COLUMN `body` TTL at + toIntervalYear(1)", hazard: ddl.DeletesData},
	{name: "no TTL", change: func(_ *fact.Schema, o *ddl.Options) { o.TTL = "" }, sql: "REMOVE TTL", hazard: ddl.DropsMetadata, prune: true},
	{name: "longer TTL", change: func(_ *fact.Schema, o *ddl.Options) { o.TTL = "at + INTERVAL 50 YEAR" }, sql: "MODIFY TTL at + toIntervalYear(50)", hazard: ddl.RewritesData},
	{name: "shorter TTL", change: func(_ *fact.Schema, o *ddl.Options) { o.TTL = "at + INTERVAL 1 YEAR" }, sql: "MODIFY TTL at + toIntervalYear(1)", hazard: ddl.DeletesData},
	{name: "TTL beyond the calendar", change: func(_ *fact.Schema, o *ddl.Options) { o.TTL = "at + INTERVAL 120 YEAR" }, sql: "MODIFY TTL at + toIntervalYear(120)", hazard: ddl.DeletesData},
	{name: "TTL by another time", change: func(_ *fact.Schema, o *ddl.Options) { o.TTL = "toDate(at) + INTERVAL 40 YEAR" }, sql: "MODIFY TTL toDate(at)", hazard: ddl.DeletesData},
	{name: "recompress too", change: func(_ *fact.Schema, o *ddl.Options) { o.TTL += ", at + INTERVAL 1 DAY RECOMPRESS CODEC(ZSTD(9))" }, sql: "MODIFY TTL", hazard: ddl.RewritesData},
	{name: "new setting", change: func(_ *fact.Schema, o *ddl.Options) {
		o.Settings["min_bytes_for_wide_part"] = "0"
		o.Settings["merge_with_ttl_timeout"] = "5"
	}, sql: "MODIFY SETTING merge_with_ttl_timeout = 5, min_bytes_for_wide_part = 0"},
	{name: "no setting", change: func(_ *fact.Schema, o *ddl.Options) { o.Settings = nil }, sql: "RESET SETTING merge_with_ttl_timeout", hazard: ddl.DropsMetadata, prune: true},
	{name: "new table comment", change: func(_ *fact.Schema, o *ddl.Options) { o.Comment = "it's" }, sql: "MODIFY COMMENT 'it\\'s'"},
	{name: "no table comment", change: func(_ *fact.Schema, o *ddl.Options) { o.Comment = "" }, sql: "MODIFY COMMENT ''", hazard: ddl.DropsMetadata, prune: true},
	{name: "new column", change: func(s *fact.Schema, _ *ddl.Options) {
		s.Fields = append(s.Fields, fact.Field{Name: "more", Type: fact.String})
	}, sql: "ADD COLUMN"},
	{name: "new index", change: func(_ *fact.Schema, o *ddl.Options) {
		o.Indexes = append(o.Indexes, ddl.Index{Name: "it`s", Expr: "body", Type: "bloom_filter(0.01)"})
	}, sql: "ADD INDEX `it\\`s`"},
	{name: "changed index", change: func(_ *fact.Schema, o *ddl.Options) { o.Indexes[0].Type = "set(10)" }, sql: "DROP INDEX", hazard: ddl.RewritesData},
	{name: "dropped index", change: func(_ *fact.Schema, o *ddl.Options) { o.Indexes = nil }, sql: "DROP INDEX", hazard: ddl.RewritesData, prune: true},
	{name: "new projection", change: func(_ *fact.Schema, o *ddl.Options) {
		o.Projections = append(o.Projections, ddl.Projection{Name: "it`s", Select: "SELECT n, count() GROUP BY n"})
	}, sql: "ADD PROJECTION `it\\`s`"},
	{name: "changed projection", change: func(_ *fact.Schema, o *ddl.Options) {
		o.Projections[0].Select = "SELECT id, n ORDER BY at"
	}, sql: "DROP PROJECTION", hazard: ddl.RewritesData},
	{name: "dropped projection", change: func(_ *fact.Schema, o *ddl.Options) { o.Projections = nil }, sql: "DROP PROJECTION", hazard: ddl.RewritesData, prune: true},
	{name: "dropped column", change: func(s *fact.Schema, o *ddl.Options) {
		s.Fields = append(s.Fields[:2:2], s.Fields[3:]...)
		delete(o.Columns, "body")
	}, sql: "DROP COLUMN IF EXISTS `body`", hazard: ddl.DeletesData, prune: true},
	{name: "wider type", change: func(s *fact.Schema, o *ddl.Options) { s.Fields[1].Type = fact.UInt64; o.Indexes = nil }, sql: "MODIFY COLUMN `n` UInt64", hazard: ddl.RewritesData},
}

func columnOption(name string, c ddl.ColumnOptions) func(*fact.Schema, *ddl.Options) {
	return func(_ *fact.Schema, o *ddl.Options) { o.Columns[name] = c }
}

// TestHazardsOnTheEngine makes each change on a table with rows. Only a
// statement that is said to touch metadata alone must start no mutation, and
// only one that is said to delete may change what the rows are.
func TestHazardsOnTheEngine(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, c := range hazardCases {
		s, o := hazardBase()
		ddltest.Create(t, db, ddltest.NewTable(t, s, o))
		db.Exec(t, "INSERT INTO t VALUES ('a', 1, 'x', '2024-01-01 00:00:00'), ('b', 2, 'old', '2000-01-01 00:00:00')")
		const read = "SELECT id, n, body, at FROM t ORDER BY id FORMAT TSV"
		before := db.Query(t, read)

		c.change(&s, &o)
		want := ddltest.Printed(t, db, ddltest.NewTable(t, s, o))
		var options []diff.Option
		if c.prune {
			options = append(options, diff.Prune)
		}
		plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t"), options...)
		require.NotEmpty(t, plan.Statements, c.name)
		require.Contains(t, plan.Statements[0].SQL, c.sql, c.name)
		require.Equal(t, c.hazard, plan.Statements[0].Hazard, c.name)
		var refused *diff.RefusedError
		if c.hazard == ddl.MetadataOnly {
			require.NoError(t, plan.Check(), c.name)
		} else {
			require.ErrorAs(t, plan.Check(), &refused, c.name)
			require.ErrorContains(t, refused, "--allow "+c.hazard.String())
			require.ErrorContains(t, refused, plan.Statements[0].SQL)
		}
		for _, statement := range plan.Statements {
			mutations := db.Query(t, "SELECT count() FROM system.mutations WHERE database = currentDatabase()")
			db.Exec(t, statement.SQL+"\n SETTINGS mutations_sync = 2")
			same := mutations == db.Query(t, "SELECT count() FROM system.mutations WHERE database = currentDatabase()")
			require.Equal(t, statement.Hazard <= ddl.DropsMetadata, same, "%s: mutations: %s", c.name, statement.SQL)
		}
		require.Empty(t, diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t"), options...).Statements, c.name)
		if c.hazard != ddl.DeletesData {
			require.Equal(t, before, db.Query(t, read), c.name)
		}
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

func TestReadonlySettingsNeedARebuild(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	names := strings.Fields(db.Query(t, "SELECT name FROM system.merge_tree_settings WHERE readonly ORDER BY name FORMAT TSV"))
	require.ElementsMatch(t, names, diff.ReadonlySettings, "the server's own list")
	s, o := hazardBase()
	ddltest.Create(t, db, ddltest.NewTable(t, s, o))
	o.Settings["index_granularity"] = "1024"
	o.Settings["merge_with_ttl_timeout"] = "7"
	plan := diff.MakePlan(ddltest.Printed(t, db, ddltest.NewTable(t, s, o)), ddltest.Inspect(t, db, "t"))
	require.Len(t, plan.Statements, 1)
	require.Equal(t, ddl.NeedsRebuild, plan.Statements[0].Hazard)
	require.Equal(t, []string{
		"change setting index_granularity from the default to 1024; the server fixes it when the table is created",
		"change setting merge_with_ttl_timeout from 100 to 7",
	}, plan.Statements[0].Rebuild.Reasons)
	require.Error(t, plan.Check(ddl.RewritesData, ddl.DeletesData))
	require.NoError(t, plan.Check(ddl.NeedsRebuild))
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s, o := hazardBase()
	want := ddltest.Printed(t, db, ddltest.NewTable(t, s, o))
	ddltest.Create(t, db, want)
	have := ddltest.Inspect(t, db, "t")
	want.Database = db.Name
	require.Equal(t, want.Fingerprint(), have.Fingerprint())
	have.Storage = &ddl.Storage{Rows: 1}
	require.Equal(t, want.Fingerprint(), have.Fingerprint(), "rows do not matter")
	have.Comment += "."
	require.NotEqual(t, want.Fingerprint(), have.Fingerprint())
	require.Equal(t, ddl.Absent, (*ddl.Table)(nil).Fingerprint())

	plan := diff.MakePlan(want, nil)
	require.Equal(t, ddl.Absent, plan.Fingerprint)
	again := plan.Compare(have).Plan()
	require.Len(t, again.Statements, 1)
	require.Contains(t, again.Statements[0].SQL, "MODIFY COMMENT 'a table'")
}
