package diff_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/internal/enginetest"
)

// conversions are pairs of column types with rows at their edges.
var conversions = []struct {
	from, to string
	rows     string
	metadata bool
	lossless bool
}{
	{"Int8", "Int16", "(-128), (127)", false, true},
	{"Int16", "Int64", "(-32768), (32767)", false, true},
	{"UInt8", "Int16", "(255)", false, true},
	{"UInt32", "UInt64", "(4294967295)", false, true},
	{"UInt32", "Int64", "(4294967295)", false, true},
	{"UInt16", "Float32", "(65535)", false, true},
	{"Int32", "Float64", "(-2147483648), (2147483647)", false, true},
	{"Float32", "Float64", "(0.5), (-1024.25)", false, true},
	{"UInt16", "Nullable(UInt32)", "(65535)", false, true},
	{"Nullable(UInt16)", "Nullable(UInt32)", "(65535), (NULL)", false, true},
	{"String", "Nullable(String)", "(''), ('x')", false, true},
	{"String", "LowCardinality(String)", "(''), ('x')", false, true},
	{"LowCardinality(String)", "String", "(''), ('x')", false, true},
	{"LowCardinality(String)", "LowCardinality(Nullable(String))", "(''), ('x')", false, true},
	{"Nullable(String)", "LowCardinality(Nullable(String))", "(''), (NULL)", false, true},
	{"LowCardinality(Nullable(String))", "Nullable(String)", "(''), (NULL)", false, true},
	{"Decimal(9, 2)", "Decimal(18, 2)", "(1234567.89), (-0.01)", false, true},
	{"Decimal(9, 2)", "Decimal(38, 10)", "(1234567.5)", false, true},
	{"Enum8('a' = 1, 'it\\'s' = 2)", "Enum8('a' = 1, 'it\\'s' = 2, 'c' = 3)", "('a'), ('it\\'s')", true, true},
	{"Nullable(Enum8('a' = 1))", "Nullable(Enum8('a' = 1, 'b' = 2))", "('a'), (NULL)", true, true},
	{"Array(Enum8('a' = 1))", "Array(Enum8('a' = 1, 'b' = 2))", "(['a']), ([])", true, false},
	{"DateTime64(3)", "DateTime64(3, 'UTC')", "('2024-01-01 00:00:00.123')", true, false},

	{"Int16", "Int8", "", false, false},
	{"Int32", "UInt64", "", false, false},
	{"UInt64", "Int64", "", false, false},
	{"UInt64", "Float64", "", false, false},
	{"Int32", "Float32", "", false, false},
	{"Float64", "Float32", "", false, false},
	{"Float64", "Int64", "", false, false},
	{"String", "UInt64", "", false, false},
	{"UInt8", "Bool", "", false, false},
	{"Nullable(String)", "String", "", false, false},
	{"LowCardinality(Nullable(String))", "String", "", false, false},
	{"String", "Array(String)", "", false, false},
	{"Array(UInt8)", "Array(UInt16)", "", false, false},
	{"Decimal(9, 2)", "Decimal(9, 4)", "", false, false},
	{"Decimal(9, 2)", "Decimal(18, 1)", "", false, false},
	{"Enum8('a' = 1, 'b' = 2)", "Enum8('b' = 1, 'a' = 2)", "", false, false},
	{"Enum8('a' = 1, 'b' = 2)", "Enum8('a' = 1)", "", false, false},
	{"Enum8('a' = 1)", "UInt8", "", false, false},
	{"Date", "DateTime64(3, 'UTC')", "", false, false},
	{"DateTime64(3, 'UTC')", "DateTime64(6, 'UTC')", "", false, false},
	{"Map(String, String)", "JSON", "", false, false},
}

func TestConversions(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for i, c := range conversions {
		require.Equal(t, c.metadata, coltype.MetadataConversion(c.from, c.to), "%s to %s", c.from, c.to)
		require.Equal(t, c.lossless, coltype.LosslessConversion(c.from, c.to), "%s to %s", c.from, c.to)
		if c.rows == "" {
			continue
		}
		db.Exec(t, "CREATE TABLE conversion (v "+c.from+" COMMENT 'kept' CODEC(ZSTD(1))) ENGINE = MergeTree ORDER BY tuple()")
		db.Exec(t, "INSERT INTO conversion VALUES "+c.rows)
		before := db.Query(t, "SELECT toString(v) FROM conversion FORMAT TSV")
		want := *ddltest.Inspect(t, db, "conversion")
		want.Columns[0].Type = c.to
		plan := ddltest.Apply(t, db, want, ddl.RewritesData)
		require.Len(t, plan.Statements, 1)
		require.Equal(t, c.metadata, plan.Statements[0].Hazard == ddl.MetadataOnly)
		ddltest.RequireSame(t, db, want)
		require.Equal(t, before, db.Query(t, "SELECT toString(v) FROM conversion FORMAT TSV"), "case %d: %s to %s", i, c.from, c.to)
		mutations := db.Query(t, "SELECT count() FROM system.mutations WHERE database = currentDatabase()")
		require.Equal(t, c.metadata, mutations == "0", "%s to %s", c.from, c.to)
		db.Exec(t, "DROP TABLE conversion SYNC")
	}
}

// TestKeyConversions changes columns that the keys of a table use, in the ways
// that leave the stored values as they are.
func TestKeyConversions(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	db.Exec(t, "CREATE TABLE keyed (e Enum8('a' = 1), at DateTime64(3), n UInt16) ENGINE = MergeTree PARTITION BY (e, toYYYYMM(at)) ORDER BY (e, at, n)")
	db.Exec(t, "INSERT INTO keyed VALUES ('a', '2024-01-01 00:00:00', 1)")
	want := *ddltest.Inspect(t, db, "keyed")
	want.Columns = slices.Clone(want.Columns)
	want.Columns[0].Type = "Enum8('a' = 1, 'b' = 2)"
	want.Columns[1].Type = "DateTime64(3, 'UTC')"
	require.Len(t, ddltest.Apply(t, db, want).Statements, 2)
	ddltest.Reload(t, db, "keyed")
	ddltest.RequireSame(t, db, want)
	db.Exec(t, "INSERT INTO keyed VALUES ('b', '2024-01-01 00:00:00', 2)")
	require.Equal(t, "a\t1\nb\t2", db.Query(t, "SELECT e, n FROM keyed ORDER BY n FORMAT TSV"))

	want.Columns[2].Type = "UInt32"
	want.Cluster = "c" // else it can be rebuilt
	plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "keyed"))
	require.Len(t, plan.Statements, 1)
	require.Contains(t, plan.Statements[0].Why, `change column "n" from UInt16 to UInt32; a key of the table uses it`)
	require.Error(t, plan.Check(ddl.Hazards()...))
	_, err := db.Try(t.Context(), "ALTER TABLE keyed MODIFY COLUMN n UInt32")
	require.ErrorContains(t, err, "ALTER_OF_COLUMN_IS_FORBIDDEN")
}
