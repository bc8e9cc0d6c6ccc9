package chtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// SmallSchema has one column.
var SmallSchema = fact.Schema{Name: "t", Fields: []fact.Field{{Name: "n", Type: fact.UInt32}}}

// Compile returns the layout of a schema.
func Compile(t testing.TB, s fact.Schema) *block.Layout {
	t.Helper()
	l, err := block.Compile(s, block.Options{})
	require.NoError(t, err)
	return l
}

// BlockOf returns a block with rows of JSON.
func BlockOf(t testing.TB, l *block.Layout, lines ...string) *block.Block {
	t.Helper()
	b := l.NewBlock()
	for _, line := range lines {
		require.NoError(t, b.AppendJSON([]byte(line)))
	}
	return b
}

// NewTable returns the table of a schema.
func NewTable(t testing.TB, s fact.Schema, o ddl.Options) ddl.Table {
	t.Helper()
	table, err := ddl.NewTable(s, o)
	require.NoError(t, err)
	return table
}

// WideSchema has a column of every kind.
var WideSchema = fact.Schema{
	Name: "wide",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, Comment: "it's the key"},
		{Name: "at", Type: fact.DateTime64},
		{Name: "lc", Type: fact.LowCardinalityString, Nullable: true},
		{Name: "ok", Type: fact.Bool, Default: true},
		{Name: "n16", Type: fact.UInt16, Default: 7},
		{Name: "n32", Type: fact.UInt32, Nullable: true},
		{Name: "f32", Type: fact.Float32},
		{Name: "f64", Type: fact.Float64, Nullable: true},
		{Name: "doc", Type: fact.JSON, Nullable: true},
		{Name: "i8", Type: fact.Int8},
		{Name: "i16", Type: fact.Int16},
		{Name: "i32", Type: fact.Int32},
		{Name: "i64", Type: fact.Int64},
		{Name: "u8", Type: fact.UInt8},
		{Name: "u64", Type: fact.UInt64},
		{Name: "day", Type: fact.Date},
		{Name: "uid", Type: fact.UUID},
		{Name: "dec", Type: fact.Decimal, Precision: 18, Scale: 4},
		{Name: "kind", Type: fact.Enum, Values: []string{"a", "b'c"}, Default: "a"},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "nums", Type: fact.Int64, Array: true},
		{Name: "meta", Type: fact.StringMap},
		{Name: "native", Type: fact.NativeJSON},
	},
	OrderBy: []string{"id", "at"},
}

// WideOptions are options of every kind for WideSchema.
var WideOptions = ddl.Options{
	PartitionBy: "toYYYYMM(at)",
	TTL:         "toDateTime(at) + INTERVAL 10 YEAR",
	Comment:     "all sorts",
	Settings:    map[string]string{"index_granularity": "1024"},
	Indexes:     []ddl.Index{{Name: "by_n", Expr: "n16", Type: "minmax", Granularity: 4}},
	Columns:     map[string]ddl.ColumnOptions{"doc": {Codec: "ZSTD(3)"}},
}

// HostileNames are names of tables and columns that statements, and those who
// take statements apart with expressions, may trip over.
var HostileNames = []string{
	"plain", "with space", "back`tick", "``", "quo'te", `dou"ble`, `back\slash`, `\`, "`) VALUES (1); DROP TABLE x; --",
	"pa(ren", "pa)ren", "(", ")", "((", "a,b", "a, `b", "new\nline", "ta\tb", "-- comment", "/* comment */", "# hash",
	"FORMAT Native", "VALUES", "SETTINGS x = 1", "select", "INSERT INTO y", "{x:Identifier}", "{x", "?", "@p", "$1", "ünïcode", "漢字", "🙂",
	"%41", "a.b", "1st", strings.Repeat("l", 100), ";", "a;b", "$tag$", "null", "`", "\u00a0", "\x01",
}
