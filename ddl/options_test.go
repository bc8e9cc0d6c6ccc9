package ddl

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	column := func(c ColumnOptions) Options { return Options{Columns: map[string]ColumnOptions{"a": c}} }
	setting := func(name, value string) Options { return Options{Settings: map[string]string{name: value}} }
	index := func(x Index) Options { return Options{Indexes: []Index{x}} }
	projection := func(query string) Options { return Options{Projections: []Projection{{Name: "p", Select: query}}} }
	view := func(change func(*ViewOptions)) Options {
		v := ViewOptions{Name: "v", To: "sums", Select: "SELECT a FROM t", Target: TargetOptions{Columns: []TargetColumn{{Name: "a", Type: "String"}}, OrderBy: []string{"a"}}}
		change(&v)
		return Options{Views: []ViewOptions{v}}
	}
	for _, c := range []struct {
		options Options
		option  string
		want    string
	}{
		{Options{Engine: "Log"}, "engine", `"Log" is not supported: use MergeTree or one of its family`},
		{Options{Engine: "mergetree"}, "engine", "is not supported"},
		{Options{Engine: "`MergeTree`"}, "engine", "does not start with the name of an engine"},
		{Options{Engine: "MergeTree ORDER BY x"}, "engine", "the other clauses have options of their own"},
		{Options{Engine: "MergeTree() SETTINGS x = (1)"}, "engine", "the other clauses have options of their own"},
		{Options{Engine: "ReplacingMergeTree(x"}, "engine", "lacks a )"},
		{Options{Engine: " "}, "engine", "is empty"},
		{Options{PartitionBy: "x; DROP TABLE y"}, "partition_by", "has a semicolon"},
		{Options{PartitionBy: "x -- y"}, "partition_by", "comments are not allowed"},
		{Options{PartitionBy: "x /* y */"}, "partition_by", "comments are not allowed"},
		{Options{PartitionBy: "x # y"}, "partition_by", "comments are not allowed"},
		{Options{PartitionBy: "toYYYYMM(x"}, "partition_by", "lacks a )"},
		{Options{PartitionBy: "x)"}, "partition_by", "has a ) that closes nothing"},
		{Options{PartitionBy: "f(x]"}, "partition_by", "has a ] that closes nothing"},
		{Options{PartitionBy: "[x"}, "partition_by", "lacks a ]"},
		{Options{PartitionBy: "a, b"}, "partition_by", "has a comma outside of brackets"},
		{Options{PartitionBy: "'a"}, "partition_by", "a quote is not closed"},
		{Options{PartitionBy: "`a\\`"}, "partition_by", "a quote is not closed"},
		{Options{PartitionBy: "$a$ x $a$"}, "partition_by", `unexpected character '$' outside of quotes`},
		{Options{PartitionBy: "‘a’"}, "partition_by", `unexpected character '‘' outside of quotes`},
		{Options{PartitionBy: `a \ b`}, "partition_by", `unexpected character '\\' outside of quotes`},
		{Options{PartitionBy: "a\x00"}, "partition_by", "outside of quotes"},
		{Options{PartitionBy: "\xff"}, "partition_by", "outside of quotes"},
		{Options{PartitionBy: "  "}, "partition_by", "is empty"},
		{Options{TTL: "x + INTERVAL 1 DAY,"}, "ttl", "has an empty part beside a comma"},
		{Options{TTL: ";"}, "ttl", "has a semicolon"},
		{Options{Retention: Retention{Field: "at"}}, "retention", "needs a field and days from 1 to 36525"},
		{Options{TTL: "x + 1", Retention: Retention{Field: "x", Days: 1}}, "retention", "ttl is given too"},
		{Options{Comment: "\xff"}, "comment", "is not valid UTF-8"},
		{Options{PrimaryKey: []string{"a", "a"}}, "primary_key", `names "a" twice`},
		{setting("Index_granularity", "1"), "settings.Index_granularity", "is not a setting name: use lower-case letters, digits and _"},
		{setting("a = 1, b", "1"), "settings.a = 1, b", "is not a setting name"},
		{setting("", "1"), "settings.", "is not a setting name"},
		{setting("a", ""), "settings.a", "has no value"},
		{setting("a", "\xff"), "settings.a", "is not valid UTF-8"},
		{column(ColumnOptions{Codec: "ZSTD(3"}), "columns.a.codec", "lacks a )"},
		{column(ColumnOptions{Codec: "ZSTD(3)) TTL (x"}), "columns.a.codec", "closes nothing"},
		{column(ColumnOptions{TTL: "x + 1, y String"}), "columns.a.ttl", "has a comma outside of brackets"},
		{index(Index{Name: "i", Type: "minmax"}), "indexes[0].expr", "is empty"},
		{index(Index{Name: "i", Expr: "a"}), "indexes[0].type", "is empty"},
		{index(Index{Name: "i", Expr: "a, b", Type: "minmax"}), "indexes[0].expr", "has a comma outside of brackets"},
		{index(Index{Name: "i", Expr: "a", Type: "set(1"}), "indexes[0].type", "lacks a )"},
		{index(Index{Name: "i", Expr: "a", Type: "minmax", Granularity: -1}), "indexes[0].granularity", "must not be negative"},
		{projection(""), "projections[0].select", "is empty"},
		{projection("DROP TABLE t"), "projections[0].select", "is not a SELECT"},
		{projection("SELECT a; DROP TABLE t"), "projections[0].select", "has a semicolon"},
		{projection("SELECT a) , (SELECT b"), "projections[0].select", "closes nothing"},
		{projection("SELECT a -- b"), "projections[0].select", "comments are not allowed"},
		{projection("SELECT a UNION ALL SELECT b"), "projections[0].select", "has UNION, which is no part of a single SELECT"},
		{projection("SELECT a union (SELECT b)"), "projections[0].select", "has UNION"},
		{projection("SELECT a EXCEPT SELECT b"), "projections[0].select", "has EXCEPT"},
		{projection("SELECT a intersect distinct SELECT b"), "projections[0].select", "has INTERSECT"},
		{projection("SELECT a INTO OUTFILE 'x'"), "projections[0].select", "has INTO"},
		{projection("SELECT a FORMAT Null"), "projections[0].select", "has FORMAT"},
		{projection("SELECT a COMMENT 'x'"), "projections[0].select", "has COMMENT"},
		{projection("WITH 1 AS x"), "projections[0].select", "is not one SELECT"},
		{projection("SELECT a SELECT b"), "projections[0].select", "is not one SELECT"},
		{Options{Projections: []Projection{{Name: "p", Select: "SELECT a ORDER BY a"}, {Name: "p", Select: "SELECT a ORDER BY a"}}}, "projections[1].name", `"p" is given twice`},
		{Options{Engine: "ReplacingMergeTree", Projections: []Projection{{Name: "p", Select: "SELECT a ORDER BY a"}}}, "projections", "need settings.deduplicate_merge_projection_mode with the engine ReplacingMergeTree"},
		{view(func(v *ViewOptions) { v.Name = "" }), "views[0].name", `table name "": is empty`},
		{view(func(v *ViewOptions) { v.Name = strings.Repeat("a", 213) }), "views[0].name", "is too long"},
		{view(func(v *ViewOptions) { v.To = "" }), "views[0].to", "is empty"},
		{view(func(v *ViewOptions) { v.To = "v" }), "views[0].to", `"v" is the view itself`},
		{view(func(v *ViewOptions) { v.Select = "DROP TABLE t" }), "views[0].select", "is not a SELECT"},
		{view(func(v *ViewOptions) { v.Select = "SELECT a FROM t UNION ALL\n  SELECT a FROM t" }), "views[0].select", `"SELECT a FROM t UNION ALL SELECT a FROM t" has UNION, which is no part of a single SELECT`},
		{view(func(v *ViewOptions) { v.Select = "SELECT a FROM t; DROP TABLE t" }), "views[0].select", "has a semicolon"},
		{view(func(v *ViewOptions) { v.Select = "(SELECT a FROM t)" }), "views[0].select", "is not a SELECT"},
		{view(func(v *ViewOptions) { v.Comment = "\xff" }), "views[0].comment", "is not valid UTF-8"},
		{view(func(v *ViewOptions) { v.Target.Columns = nil }), "views[0].target.columns", "are missing"},
		{view(func(v *ViewOptions) { v.Target.Columns[0].Name = "_row_exists" }), "views[0].target.columns[0].name", "is kept by ClickHouse for itself"},
		{view(func(v *ViewOptions) { v.Target.Columns[0].Name = "" }), "views[0].target.columns[0].name", "is empty"},
		{view(func(v *ViewOptions) { v.Target.Columns[0].Type = "String, b String" }), "views[0].target.columns[0].type", "has a comma outside of brackets"},
		{view(func(v *ViewOptions) { v.Target.Columns[0].Type = "" }), "views[0].target.columns[0].type", "is empty"},
		{view(func(v *ViewOptions) { v.Target.Columns[0].Codec = "ZSTD(" }), "views[0].target.columns[0].codec", "lacks a )"},
		{view(func(v *ViewOptions) { v.Target.Columns[0].Comment = "\x00" }), "views[0].target.columns[0].comment", "NUL"},
		{view(func(v *ViewOptions) { v.Target.Columns = append(v.Target.Columns, v.Target.Columns[0]) }), "views[0].target.columns[1].name", `"a" is given twice`},
		{view(func(v *ViewOptions) { v.Target.OrderBy = []string{"b"} }), "views[0].target.order_by[0]", `"b" is not a column of the target`},
		{view(func(v *ViewOptions) { v.Target.OrderBy = []string{"a", "a"} }), "views[0].target.order_by[1]", `"a" is given twice`},
		{view(func(v *ViewOptions) { v.Target.PrimaryKey = []string{"b"} }), "views[0].target.primary_key", "must be the first columns of order_by"},
		{view(func(v *ViewOptions) { v.Target.Engine = "Log" }), "views[0].target.engine", `"Log" is not supported`},
		{view(func(v *ViewOptions) { v.Target.Indexes = []Index{{Name: "i", Expr: "a"}} }), "views[0].target.indexes[0].type", "is empty"},
		{view(func(v *ViewOptions) { v.Target.Indexes = []Index{{Expr: "a", Type: "minmax"}} }), "views[0].target", `index name "": is empty`},
		{Options{Views: []ViewOptions{{Name: "v", To: "x", Select: "SELECT 1"}, {Name: "v", To: "x", Select: "SELECT 1"}}}, "views[1].name", `"v" is given twice`},
		{Options{Indexes: []Index{{Name: "i", Expr: "a", Type: "minmax"}, {Name: "i", Expr: "a", Type: "minmax"}}}, "indexes[1].name", `"i" is given twice`},
	} {
		err := c.options.Validate()
		var option *OptionError
		require.ErrorAs(t, err, &option, "%+v", c.options)
		require.Equal(t, c.option, option.Option)
		require.Contains(t, option.Problem, c.want)
		require.ErrorContains(t, err, "table option "+c.option+": ")

		_, err = NewTable(fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String}}}, c.options)
		require.ErrorContains(t, err, c.want, "NewTable validates too")
		require.ErrorContains(t, err, `table "t": `)
	}
}

func TestOptionsAgainstSchema(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String}, {Name: "b", Type: fact.String}}, OrderBy: []string{"a", "b"}}
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{Columns: map[string]ColumnOptions{"c": {Codec: "NONE"}}}, "table option columns.c: is not a field of the schema"},
		{Options{Views: []ViewOptions{{Name: "t", To: "x", Select: "SELECT a FROM t"}}}, `table option views[0].name: "t" is the table of the schema`},
		{Options{Views: []ViewOptions{{Name: "v", To: "t", Select: "SELECT a FROM t"}}}, `table option views[0].to: "t" is the table of the schema, which the view reads`},
		{Options{PrimaryKey: []string{"b"}}, `table option primary_key: ["b"] must be the first fields of order_by ["a" "b"]`},
		{Options{PrimaryKey: []string{"a", "b", "c"}}, "must be the first fields of order_by"},
	} {
		_, err := NewTable(s, c.options)
		require.ErrorContains(t, err, c.want)
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	t.Parallel()
	_, err := NewTable(fact.Schema{
		Name:    "t",
		Fields:  []fact.Field{{Name: "a", Type: fact.FieldType(99)}, {Name: "_row_exists", Type: fact.UInt8, Default: 256}},
		OrderBy: []string{"missing"},
	}, Options{TTL: "(", Columns: map[string]ColumnOptions{"x": {}}})
	var schema *fact.SchemaError
	require.ErrorAs(t, err, &schema)
	for _, want := range []string{"unknown field type 99", "missing", "reserved", "256 does not fit", "ttl", "columns.x"} {
		require.ErrorContains(t, err, want)
	}
}

func TestOptionsFromYAML(t *testing.T) {
	t.Parallel()
	var got Options
	require.NoError(t, yaml.Unmarshal([]byte(`
engine: ReplacingMergeTree(at)
partition_by: toYYYYMM(at)
primary_key: [a]
ttl: at + INTERVAL 1 YEAR
settings: {index_granularity: 4096, ratio: 0.5, flag: true, policy: hot, deduplicate_merge_projection_mode: drop}
comment: hello
cluster: main
replicated: true
columns:
  body: {codec: ZSTD(9), ttl: at + INTERVAL 1 DAY}
indexes:
  - {name: i, expr: lower(body), type: bloom_filter(0.01), granularity: 2}
projections:
  - {name: p, select: SELECT body ORDER BY body}
views:
  - name: v
    to: sums
    comment: all
    select: SELECT a, count() AS n FROM t GROUP BY a
    target:
      columns: [{name: a, type: String, codec: ZSTD(1), comment: key}, {name: n, type: UInt64}]
      order_by: [a]
      primary_key: [a]
      engine: SummingMergeTree
      partition_by: a
      ttl: now() + INTERVAL 1 DAY
      settings: {index_granularity: 100}
      comment: sums
      indexes: [{name: i, expr: a, type: minmax}]
      projections: [{name: p, select: SELECT a ORDER BY a}]
`), &got))
	require.Equal(t, Options{
		Engine: "ReplacingMergeTree(at)", PartitionBy: "toYYYYMM(at)", PrimaryKey: []string{"a"}, TTL: "at + INTERVAL 1 YEAR",
		Settings: map[string]string{"index_granularity": "4096", "ratio": "0.5", "flag": "true", "policy": "hot", "deduplicate_merge_projection_mode": "drop"},
		Comment:  "hello", Cluster: "main", Replicated: true,
		Columns:     map[string]ColumnOptions{"body": {Codec: "ZSTD(9)", TTL: "at + INTERVAL 1 DAY"}},
		Indexes:     []Index{{Name: "i", Expr: "lower(body)", Type: "bloom_filter(0.01)", Granularity: 2}},
		Projections: []Projection{{Name: "p", Select: "SELECT body ORDER BY body"}},
		Views: []ViewOptions{{
			Name: "v", To: "sums", Comment: "all", Select: "SELECT a, count() AS n FROM t GROUP BY a",
			Target: TargetOptions{
				Columns: []TargetColumn{{Name: "a", Type: "String", Codec: "ZSTD(1)", Comment: "key"}, {Name: "n", Type: "UInt64"}},
				OrderBy: []string{"a"}, PrimaryKey: []string{"a"}, Engine: "SummingMergeTree", PartitionBy: "a", TTL: "now() + INTERVAL 1 DAY",
				Settings: map[string]string{"index_granularity": "100"}, Comment: "sums",
				Indexes: []Index{{Name: "i", Expr: "a", Type: "minmax"}}, Projections: []Projection{{Name: "p", Select: "SELECT a ORDER BY a"}},
			},
		}},
	}, got)
	require.ErrorContains(t, got.Validate(), "views[0].target.projections: need settings.deduplicate_merge_projection_mode with the engine SummingMergeTree")
	got.Views[0].Target.Settings["deduplicate_merge_projection_mode"] = "rebuild"
	require.NoError(t, got.Validate())
}

func TestEngines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, have string
		same       bool
	}{
		{"MergeTree", "MergeTree()", true},
		{"MergeTree", "SharedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')", true},
		{"ReplicatedMergeTree", "ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')", true},
		{"ReplicatedMergeTree('/a', 'b')", "ReplicatedMergeTree('/c', 'd')", true},
		{"ReplicatedReplacingMergeTree(v)", "ReplicatedReplacingMergeTree('/c', 'd', `v`)", true},
		{"ReplacingMergeTree(v)", "SharedReplacingMergeTree('/c', '{replica}', v)", true},
		{"ReplicatedMergeTree", "SharedMergeTree('/c', '{replica}')", true},
		{"ReplacingMergeTree( v )", "ReplacingMergeTree(v)", true},
		{"SummingMergeTree((a, b))", "SummingMergeTree((a,b))", true},
		{"GraphiteMergeTree('x')", "GraphiteMergeTree('x')", true},
		{"MergeTree", "ReplicatedMergeTree('/a', 'b')", false},
		{"ReplicatedMergeTree", "MergeTree", false},
		{"MergeTree", "ReplacingMergeTree", false},
		{"ReplacingMergeTree(v)", "ReplacingMergeTree(w)", false},
		{"ReplacingMergeTree(v)", "ReplacingMergeTree", false},
	} {
		want, err := sqltext.ParseEngine(c.want)
		require.NoError(t, err)
		have, err := sqltext.ParseEngine(c.have)
		require.NoError(t, err)
		require.Equal(t, c.same, sqltext.SameEngine(want, have), "%s and %s", c.want, c.have)
	}
}

func TestDeduplicationWindow(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String}}}
	for engine, setting := range map[string]string{
		"": "non_replicated_deduplication_window", "ReplacingMergeTree": "non_replicated_deduplication_window",
		"ReplicatedMergeTree": "replicated_deduplication_window", "SharedMergeTree": "replicated_deduplication_window",
	} {
		given := map[string]string{"index_granularity": "1"}
		table, err := NewTable(s, Options{Engine: engine, Settings: given})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"index_granularity": "1", setting: "10000"}, table.Settings)
		require.Len(t, given, 1, "the caller's map is not changed")

		table, err = NewTable(s, Options{Engine: engine, Settings: map[string]string{setting: "0"}})
		require.NoError(t, err)
		require.Equal(t, "0", table.Settings[setting])
	}
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	_, err := NewTable(fact.Schema{Name: "t", Fields: []fact.Field{{Name: "not", Type: fact.String}}}, Options{})
	var name *NameError
	require.True(t, errors.As(err, &name))
	require.Equal(t, "column", name.Kind)
	require.Equal(t, "not", name.Name)
}

// TestReservedNames has tables and views named like those that factload keeps for itself.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	field := []fact.Field{{Name: "id", Type: fact.String}}
	for _, name := range []string{"_factload_ledger", "_factload_rebuilds", "_factloads"} {
		_, err := NewTable(fact.Schema{Name: name, Fields: field}, Options{})
		require.ErrorContains(t, err, "begins with _factload, as factload's own tables do: choose another name")
		_, err = NewTable(fact.Schema{Name: "t", Fields: field}, Options{Views: []ViewOptions{{Name: name, To: "target", Select: "SELECT id FROM t"}}})
		require.ErrorContains(t, err, "begins with _factload")
	}
	_, err := NewTable(fact.Schema{Name: "_factual", Fields: field}, Options{})
	require.NoError(t, err)
}
