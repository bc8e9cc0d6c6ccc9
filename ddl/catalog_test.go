package ddl

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// TestFromCatalog reads what a server printed for a table made by hand.
func TestFromCatalog(t *testing.T) {
	t.Parallel()
	got, err := FromCatalog(Catalog{
		Table: CatalogTable{
			Database: "db", Name: "a`b", Engine: "ReplacingMergeTree",
			EngineFull:   "ReplacingMergeTree(v) PARTITION BY (toYYYYMM(at), TTL) PRIMARY KEY id ORDER BY (id, toDate(at)) TTL toDateTime(at) + toIntervalMonth(1) WHERE TTL = 'SETTINGS', at + toIntervalDay(1) RECOMPRESS CODEC(ZSTD(9)) SETTINGS index_granularity = 100, storage_policy = 'it\\'s', min_bytes_for_wide_part = -1",
			CreateQuery:  "CREATE TABLE db.`a\\`b` (`id` String COMMENT ' TTL ' CODEC(ZSTD(1)), `TTL` String DEFAULT concat(TTL, 'x') TTL at + toIntervalDay(1), `at` DateTime64(3, 'UTC') DEFAULT TTL, INDEX i lower(TTL) TYPE minmax GRANULARITY 2, CONSTRAINT c CHECK id != '') ENGINE = ReplacingMergeTree(v)",
			PartitionKey: "(toYYYYMM(at), TTL)", SortingKey: "id, toDate(at)", PrimaryKey: "id", Comment: "it's",
		},
		Columns: []CatalogColumn{
			{Name: "id", Type: "String", Comment: " TTL ", Codec: "CODEC(ZSTD(1))"},
			{Name: "TTL", Type: "String", DefaultKind: "DEFAULT", DefaultExpression: "concat(TTL, 'x')"},
			{Name: "m", Type: "UInt8", DefaultKind: "MATERIALIZED", DefaultExpression: "1"},
			{Name: "l", Type: "UInt8", DefaultKind: "ALIAS", DefaultExpression: "2"},
			{Name: "e", Type: "UInt8", DefaultKind: "EPHEMERAL", DefaultExpression: "3"},
		},
		Indexes: []CatalogIndex{{Name: "i", Expr: "lower(TTL)", Type: "minmax", Granularity: 2}},
	})
	require.NoError(t, err)
	require.Equal(t, Table{
		Database: "db", Name: "a`b", Engine: "ReplacingMergeTree(v)", OrderBy: []string{"id", "toDate(at)"}, PrimaryKey: []string{"id"},
		PartitionBy: "(toYYYYMM(at), TTL)", Comment: "it's",
		TTL:      "toDateTime(at) + toIntervalMonth(1) WHERE TTL = 'SETTINGS', at + toIntervalDay(1) RECOMPRESS CODEC(ZSTD(9))",
		Settings: map[string]string{"index_granularity": "100", "storage_policy": "it's", "min_bytes_for_wide_part": "-1"},
		Columns: []Column{
			{Name: "id", Type: "String", Comment: " TTL ", Codec: "ZSTD(1)"},
			{Name: "TTL", Type: "String", Default: "concat(TTL, 'x')", TTL: "at + toIntervalDay(1)"},
			{Name: "m", Type: "UInt8", Kind: Materialized, Default: "1"},
			{Name: "l", Type: "UInt8", Kind: Alias, Default: "2"},
			{Name: "e", Type: "UInt8", Kind: Ephemeral, Default: "3"},
		},
		Indexes: []Index{{Name: "i", Expr: "lower(TTL)", Type: "minmax", Granularity: 2}},
	}, got)
	require.Equal(t, TableName{Database: "db", Name: "a`b"}, got.TableName())
	require.Equal(t, "db.a`b", got.TableName().String())
}

func TestFromCatalogRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		catalog Catalog
		want    string
	}{
		{Catalog{Table: CatalogTable{Name: "t", Engine: "MergeTree", EngineFull: "MergeTree ORDER BY 'a"}}, `table "t": engine: at byte 19: a quote is not closed`},
		{Catalog{Table: CatalogTable{Name: "t", Engine: "MergeTree"}}, `table "t": engine: is empty`},
		{Catalog{Table: CatalogTable{Name: "t", Engine: "MergeTree", EngineFull: "MergeTree(", CreateQuery: "CREATE TABLE t"}}, `table "t": engine: lacks a )`},
		{Catalog{Table: CatalogTable{Name: "t", Engine: "Log", CreateQuery: "CREATE TABLE t (`a` String TTL 'x)"}}, `table "t": create statement: at byte 31: a quote is not closed`},
		{Catalog{Table: CatalogTable{Name: "t", Engine: "Log"}, Columns: []CatalogColumn{{Name: "a", DefaultKind: "MAGIC"}}}, `table "t": column "a": unknown kind of default "MAGIC"`},
	} {
		_, err := FromCatalog(c.catalog)
		require.EqualError(t, err, c.want)
	}
}

func TestTTLStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sql, ttl string }{
		{"MergeTree ORDER BY a", ""},
		{"MergeTree ORDER BY a TTL b", "b"},
		{"MergeTree ORDER BY TTL", ""},
		{"MergeTree ORDER BY TTL TTL b", "b"},
		{"MergeTree ORDER BY (TTL, b) TTL TTL", "TTL"},
		{"MergeTree ORDER BY AND TTL b", "b"},
		{"MergeTree ORDER BY BY TTL (b)", "(b)"},
		{"MergeTree PARTITION BY TTL ORDER BY tuple() TTL TTL + toIntervalDay(1) WHERE TTL = 1", "TTL + toIntervalDay(1) WHERE TTL = 1"},
		{"MergeTree ORDER BY a % TTL", ""},
	} {
		tokens, err := sqltext.Tokenize(c.sql)
		require.NoError(t, err)
		got := ""
		if at := ttlStart(tokens); at >= 0 {
			got = sqltext.Source(c.sql, tokens[at+1:])
		}
		require.Equal(t, c.ttl, got, c.sql)
	}
}

func TestCanonicalSharesNoMemory(t *testing.T) {
	t.Parallel()
	table := Table{
		Name: "t", Engine: "MergeTree( )", OrderBy: []string{"( a )"}, PrimaryKey: []string{"`a`"}, Settings: map[string]string{"index_granularity": "8192"}, Cluster: "c",
		Columns: []Column{{Name: "a", Type: "DateTime64(3,'UTC')"}}, Indexes: []Index{{Name: "i", Expr: "(a)", Type: "set(1 )"}}, PartitionBy: "tuple()",
	}
	got := table.Canonical()
	require.Equal(t, Table{
		Name: "t", Engine: "MergeTree", OrderBy: []string{"a"},
		Columns: []Column{{Name: "a", Type: "DateTime64(3, 'UTC')"}}, Indexes: []Index{{Name: "i", Expr: "a", Type: "set(1)", Granularity: 1}},
	}, got)
	require.Equal(t, "( a )", table.OrderBy[0])
	require.Equal(t, "DateTime64(3,'UTC')", table.Columns[0].Type)
	require.Equal(t, "(a)", table.Indexes[0].Expr)
	require.Equal(t, map[string]string{"index_granularity": "8192"}, table.Settings)
	require.Equal(t, got, got.Canonical(), "canonical is canonical")
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"a", "(a)", "tuple(a, b)", "INTERVAL 1 DAY", "a--b", "'", "f(x]", "))((", "a % 3", "Enum8('b' = 2, 'a' = 1)", "Enum8(", "tuple(", "MergeTree TTL a SETTINGS x = 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := sqltext.CanonicalExpr(s)
		require.Equal(t, got, sqltext.CanonicalExpr(got))
		typ := coltype.Canonical(s)
		require.Equal(t, typ, coltype.Canonical(typ))
		_ = sqltext.SplitKey(s)
		if e, err := sqltext.ParseEngine(s); err == nil {
			again, err := sqltext.ParseEngine(e.String())
			require.NoError(t, err)
			require.True(t, sqltext.SameEngine(e, again))
		}
		_ = new(Table).readEngine(s)
		_, _ = columnTTLs(s)
	})
}
