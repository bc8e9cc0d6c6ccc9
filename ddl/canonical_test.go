package ddl_test

import (
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

func partitioned(t *testing.T, by string) ddl.Table {
	t.Helper()
	return ddltest.NewTable(t, fact.Schema{Name: "t", Fields: []fact.Field{
		{Name: "a", Type: fact.String}, {Name: "b", Type: fact.DateTime64}, {Name: "n", Type: fact.UInt32}, {Name: "c d", Type: fact.Date},
	}, OrderBy: []string{"a"}}, ddl.Options{PartitionBy: by})
}

// TestPartitionsAsWritten creates tables partitioned in many spellings. What
// the server makes of them must never look like another partition key.
func TestPartitionsAsWritten(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, by := range []string{
		"toYYYYMM(b)",
		" toYYYYMM ( b ) ",
		"toYYYYMM(`b`)",
		`toYYYYMM("b")`,
		"(toYYYYMM(b))",
		"((toYYYYMM(b)))",
		"a",
		"(a)",
		"`c d`",
		"toMonday(`c d`)",
		"tuple(a)",
		"tuple(a, n)",
		"(a,n)",
		"(a, toDate(b))",
		"tuple()",
		"toDate(b, 'UTC')",
		"toStartOfInterval(b, INTERVAL 1 DAY)",
		"toStartOfInterval(b, interval 3 months)",
		"cityHash64(a) % 16",
		"cityHash64(a)%16",
		"modulo(n, 16)",
		"intDiv(toUnixTimestamp(b), 86400)",
		"toDate(b) + 1",
		"substring(a, 1, 2)",
		"lower( upper( a ) )",
		"a = 'x'",
		"a IN ('x', 'it\\'s')",
		"if(a = '', 1, 2)",
		"-1 * toInt32(n)",
		"YEAR(b)",
		"Year(b)",
		"date_trunc('month', b)",
		"b::Date",
		"CAST(b AS Date)",
		"CAST(b, 'Date')",
		"extract(year FROM b)",
		"a = 'x' AND a != 'y'",
		"CASE WHEN a = 'x' THEN 1 ELSE 2 END",
		"a || 'x'",
		"substr(a, 1, 2)",
		"lcase(a)",
		"a in ('x', 'y')",
		"mod(n, 3)",
		"n + 1 + 1",
		"(n)",
		"toYYYYMM((b))",
		"a == 'x'",
	} {
		want := partitioned(t, by)
		ddltest.Create(t, db, want)
		ddltest.RequireSame(t, db, want)
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

// TestExpressionsThatDiffer changes a TTL, a column's TTL, an index and a partition
// key by a pair of parentheses: each is a change, and once it is made there is
// none.
func TestExpressionsThatDiffer(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	table := func(rule, partition string) ddl.Table {
		return ddltest.NewTable(t, fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{
			{Name: "id", Type: fact.String}, {Name: "at", Type: fact.DateTime64}, {Name: "days", Type: fact.Int32}, {Name: "v", Type: fact.String},
		}}, ddl.Options{
			TTL: "toDateTime(at) + toIntervalDay(" + rule + ")", PartitionBy: partition,
			Columns: map[string]ddl.ColumnOptions{"v": {TTL: "toDateTime(at) + INTERVAL " + rule + " DAY"}},
			Indexes: []ddl.Index{{Name: "i", Expr: rule, Type: "minmax"}},
		})
	}
	ddltest.Create(t, db, table("days * 2 + 30", "days % 2 * 3"))
	want := table("days * (2 + 30)", "days % 2 * 3")
	plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t"))
	var all string
	for _, s := range plan.Statements {
		all += s.SQL + "\n"
		db.Exec(t, s.SQL)
	}
	require.Contains(t, all, "MODIFY COLUMN `v` TTL toDateTime(at) + toIntervalDay(days * (2 + 30))")
	require.Contains(t, all, "MODIFY TTL toDateTime(at) + toIntervalDay(days * (2 + 30))")
	require.Contains(t, all, "ADD INDEX `i` days * (2 + 30) TYPE minmax")
	ddltest.RequireSame(t, db, want)
	plan = diff.MakePlan(ddltest.Printed(t, db, table("days * (2 + 30)", "days % (2 * 3)")), ddltest.Inspect(t, db, "t"))
	require.Len(t, plan.Statements, 1)
	require.Contains(t, plan.Statements[0].Why, "change partition key")
}

// TestPartitionsThatDiffer compares each of some plain partition keys with all
// the others.
func TestPartitionsThatDiffer(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	keys := []string{"", "toYYYYMM(b)", "toMonday(b)", "toDate(b)", "(a, toYYYYMM(b))", "a", "`c d`", "intDiv(n, 10)", "intDiv(n, 100)", "toDate(b, 'UTC')"}
	for _, have := range keys {
		ddltest.Create(t, db, partitioned(t, have))
		table := ddltest.Inspect(t, db, "t")
		for _, want := range keys {
			plan := diff.MakePlan(ddltest.Printed(t, db, partitioned(t, want)), table)
			require.Empty(t, plan.Notes)
			if want == have {
				require.Empty(t, plan.Statements)
				continue
			}
			require.Len(t, plan.Statements, 1, "%s and %s", want, have)
			require.Len(t, plan.Statements[0].Rebuild.Reasons, 1)
			require.Contains(t, plan.Statements[0].Why, "change partition key")
		}
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

func TestSortingKeysAsPrinted(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String}, {Name: "b c", Type: fact.UInt8}, {Name: "d", Type: fact.DateTime64}}}
	for _, c := range []struct {
		key  string
		want []string // the sorting key of the schema that fits, nil when none does
		ok   bool
	}{
		{"tuple()", nil, true},
		{"()", nil, true},
		{"a", []string{"a"}, true},
		{"(a)", []string{"a"}, true},
		{"tuple(a)", []string{"a"}, true},
		{"(a, `b c`)", []string{"a", "b c"}, true},
		{"tuple(a, \"b c\")", []string{"a", "b c"}, true},
		{"(`b c`, a)", []string{"b c", "a"}, true},
		{"(a, toDate(d))", []string{"a", "d"}, false},
		{"(a, d)", []string{"d", "a"}, false},
		{"a", []string{"a", "d"}, false},
		{"(a, d)", []string{"a"}, false},
		{"(a, -toInt16(`b c`))", []string{"a", "b c"}, false},
	} {
		db.Exec(t, "CREATE TABLE t (a String, `b c` UInt8, d DateTime64(3, 'UTC')) ENGINE = MergeTree() ORDER BY "+c.key)
		s.OrderBy = c.want
		plan := diff.MakePlan(ddltest.Printed(t, db, ddltest.NewTable(t, s, ddl.Options{})), ddltest.Inspect(t, db, "t"))
		require.Equal(t, c.ok, !plan.Rebuilds(), c.key) // the rest is codecs and settings
		if !c.ok {
			require.Contains(t, plan.Statements[0].Why, "change sorting key", c.key)
		}
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

// TestTypesAsWritten checks that a type that was written by hand is known again
// in the server's spelling.
func TestTypesAsWritten(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, typ := range []string{
		"DateTime64(3,'UTC')", "DateTime64( 3 , 'UTC' )", "Enum8('b'=2,'c'=3,'a'=-1)", "Array(Enum8('b' = 2, 'a' = 1))", "Enum8('it\\'s' = 1, 'ü\\n' = 2)", "Decimal(18,4)", "Map(String,String)",
		"LowCardinality( Nullable( String ) )", "Array(Decimal(9,2))", "Nullable(Enum8('a'=1))", "Tuple(a String,b UInt8)", "FixedString(3)",
	} {
		ddltest.Create(t, db, ddl.Table{Name: "t", Columns: []ddl.Column{{Name: "c", Type: typ}}, Engine: "MergeTree()"})
		have := ddltest.Inspect(t, db, "t")
		want := *have
		want.Columns = []ddl.Column{{Name: "c", Type: typ}}
		plan := diff.MakePlan(want, have)
		require.Empty(t, plan.Statements, "%s is printed as %s", typ, have.Columns[0].Type)
		require.Empty(t, plan.Notes)
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

// TestProjectionsAsWritten creates projections in many spellings. None of them
// must look like another one than the server makes of it, and each must look
// unlike all others.
func TestProjectionsAsWritten(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "t", OrderBy: []string{"a"}, Fields: []fact.Field{{Name: "a", Type: fact.String}, {Name: "b c", Type: fact.UInt8}, {Name: "d", Type: fact.DateTime64}}}
	queries := []string{
		"select a order by a", "SELECT a\n\tORDER BY (a, `b c`)", "select * order by d", "select *, _part_offset order by \"b c\"",
		"SELECT toDate(d) day, count(), sum(`b c`) s GROUP BY toDate(d)", "SELECT count(*)", "SELECT count(1)",
		"WITH 1 AS one SELECT a, `b c`+one AS n ORDER BY n", "SELECT a, cast(`b c` AS UInt16) ORDER BY `b c`::UInt32, a", "SELECT uniqState(a), a != 'it\\'s \\\\' AND not (d = toDateTime64('2020-01-01',3)) x GROUP BY x",
		"SELECT COUNT(a), SUM(`b c`), lcase(a) x, ANY_VALUE(a), uniqIf(a, d > now()) GROUP BY x", "SELECT * REPLACE(REPLACE(a, 'x', 'y') AS a), 2*replace(a,'1','2')::UInt8 r ORDER BY a",
		"SELECT a, CASE WHEN a=='x' THEN 1 ELSE 2 END ORDER BY a BETWEEN 'a' AND 'b'", "SELECT d + interval 1 day, date_trunc('month', d) ORDER BY a",
	}
	for i, q := range queries {
		want := ddltest.NewTable(t, s, ddl.Options{Projections: []ddl.Projection{{Name: "p", Select: q}}})
		ddltest.Create(t, db, want)
		ddltest.Reload(t, db, "t")
		ddltest.RequireSame(t, db, want)
		have := ddltest.Inspect(t, db, "t")
		for j, other := range queries {
			plan := diff.MakePlan(ddltest.Printed(t, db, ddltest.NewTable(t, s, ddl.Options{Projections: []ddl.Projection{{Name: "p", Select: other}}})), have)
			if i == j {
				require.Empty(t, plan.Statements, q)
				require.Empty(t, plan.Notes, q)
				continue
			}
			require.Len(t, plan.Statements, 2, "%s and %s", q, other)
			require.Contains(t, plan.Statements[0].Why, `change projection from "p"`)
			require.Contains(t, plan.Statements[1].Why, `build projection "p"`)
		}
		db.Exec(t, "DROP TABLE t SYNC")
	}
}

// TestPrintedRefuses gives answers that do not belong to the questions.
func TestPrintedRefuses(t *testing.T) {
	t.Parallel()
	table := ddltest.NewTable(t, fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String, Default: "x"}}}, ddl.Options{Projections: []ddl.Projection{{Name: "p", Select: "SELECT a ORDER BY a"}}})
	_, _, err := table.Printed("", nil)
	require.EqualError(t, err, `table "t": 1 answers to 2 questions`)
	for _, answer := range []string{"CREATE TABLE t (PROJECTION p (SELECT a) WITH SETTINGS (a = 1))", "CREATE TABLE t (PROJECTION p (SELECT a), PROJECTION q (SELECT a))", "CREATE TABLE t (PROJECTION p (DROP TABLE t))"} {
		_, _, err = table.Printed("SELECT 'x'\n"+answer, nil)
		require.EqualError(t, err, `table "t": projection "p": "SELECT a ORDER BY a" is read as something else than it should be`)
	}
	_, _, err = table.Printed("SELECT 'x'; DROP TABLE t\nCREATE TABLE t (PROJECTION p (SELECT a ORDER BY a))", nil)
	require.EqualError(t, err, `table "t": default of column "a": "'x'" is read as something else than it should be`)
	_, _, err = table.Printed("\nCREATE TABLE t (PROJECTION p (SELECT a ORDER BY a))", nil)
	require.EqualError(t, err, `table "t": default of column "a": "'x'" is not SQL that the server can read`)
	require.Equal(t, "SELECT a ORDER BY a", table.Projections[0].Select)
}

// A projection that the schema lacks and that aggregates a column is in the way
// of a new type of that column.
func TestProjectionInTheWay(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "t", OrderBy: []string{"a"}, Fields: []fact.Field{{Name: "a", Type: fact.String}, {Name: "n", Type: fact.UInt8}}}
	ddltest.Create(t, db, ddltest.NewTable(t, s, ddl.Options{}))
	db.Exec(t, "ALTER TABLE t ADD PROJECTION theirs (SELECT sum(n))")
	s.Fields[1].Type = fact.UInt16
	want := ddltest.NewTable(t, s, ddl.Options{})
	plan := diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t"))
	require.Len(t, plan.Statements, 1)
	require.Equal(t, ddl.NeedsRebuild, plan.Statements[0].Hazard)
	require.Contains(t, plan.Statements[0].Why, `the projection "theirs", which the schema lacks, aggregates it`)
	require.Equal(t, []string{`projection "theirs" (SELECT sum(n)) is in the table but not in the schema; it is kept`}, plan.Notes)
	require.True(t, plan.Drift())

	plan = diff.MakePlan(ddltest.Printed(t, db, want), ddltest.Inspect(t, db, "t"), diff.Prune)
	require.NoError(t, plan.Check(ddl.RewritesData))
	for _, statement := range plan.Statements {
		db.Exec(t, statement.SQL)
	}
	ddltest.RequireSame(t, db, want)
}

// TestFunctionNames calls every function that has several names and that takes
// few arguments, by each of its names.
func TestFunctionNames(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "t", OrderBy: []string{"a"}, Fields: []fact.Field{{Name: "a", Type: fact.String}, {Name: "n", Type: fact.UInt8}, {Name: "d", Type: fact.DateTime64}}}
	ddltest.Create(t, db, ddltest.NewTable(t, s, ddl.Options{}))
	names := strings.Fields(db.Query(t, "SELECT arrayJoin([name, if(case_insensitive, lower(name), name), if(case_insensitive, upper(name), name)]) AS n FROM system.functions WHERE case_insensitive OR alias_to != '' GROUP BY n"))
	var list []string
	for _, name := range names {
		for _, args := range []string{"n", "a", "d", "n, n", "a, n"} {
			call := name + "(" + args + ")"
			if _, err := db.Try(t.Context(), "SELECT "+call+" FROM t"); err == nil {
				list = append(list, call)
				break
			}
		}
	}
	require.Greater(t, len(list), 300)
	for part := range slices.Chunk(list, 200) {
		want := ddltest.NewTable(t, s, ddl.Options{Projections: []ddl.Projection{{Name: "p", Select: "SELECT " + strings.Join(part, ", ") + " GROUP BY n, a, d"}}})
		want.Name = "u"
		ddltest.Create(t, db, want)
		ddltest.RequireSame(t, db, want)
		db.Exec(t, "DROP TABLE u SYNC")
	}
}
