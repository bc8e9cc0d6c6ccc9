// Package ddltest has what the tests of ddl and of the packages below it share: the
// tables of an engine, and schemas.
package ddltest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// Create makes the table on the engine.
func Create(t *testing.T, db *enginetest.DB, table ddl.Table) {
	t.Helper()
	db.Exec(t, ddl.CreateSQL(table))
}

// Inspect reads the table back from the engine. It is nil when there is none.
func Inspect(t *testing.T, db *enginetest.DB, name string) *ddl.Table {
	t.Helper()
	tables := rows(t, db, ddl.InspectTableSQL, name)
	if len(tables) == 0 {
		return nil
	}
	r := tables[0]
	catalog := ddl.Catalog{Table: ddl.CatalogTable{
		Database: r.text("database"), Name: r.text("name"), Engine: r.text("engine"), EngineFull: r.text("engine_full"),
		CreateQuery: r.text("create_table_query"), PartitionKey: r.text("partition_key"),
		SortingKey: r.text("sorting_key"), PrimaryKey: r.text("primary_key"), Comment: r.text("comment"),
	}}
	for _, r := range rows(t, db, ddl.InspectColumnsSQL, name) {
		catalog.Columns = append(catalog.Columns, ddl.CatalogColumn{
			Name: r.text("name"), Type: r.text("type"), DefaultKind: r.text("default_kind"),
			DefaultExpression: r.text("default_expression"), Codec: r.text("compression_codec"), Comment: r.text("comment"),
		})
	}
	for _, r := range rows(t, db, ddl.InspectIndexesSQL, name) {
		granularity, err := strconv.ParseUint(fmt.Sprint(r["granularity"]), 10, 64)
		require.NoError(t, err)
		catalog.Indexes = append(catalog.Indexes, ddl.CatalogIndex{
			Name: r.text("name"), Expr: r.text("expr"), Type: r.text("type_full"), Granularity: granularity,
		})
	}
	for _, r := range rows(t, db, ddl.InspectProjectionsSQL, name) {
		catalog.Projections = append(catalog.Projections, ddl.CatalogProjection{Name: r.text("name"), Query: r.text("query")})
	}
	table, err := ddl.FromCatalog(catalog)
	require.NoError(t, err)
	table = Printed(t, db, table)
	return &table
}

// Printed returns the table as the engine prints it.
func Printed(t *testing.T, db *enginetest.DB, table ddl.Table) ddl.Table {
	t.Helper()
	table, err := db.Printed(t.Context(), table)
	require.NoError(t, err)
	return table
}

// row is a row of a result by column name.
type row map[string]any

func (r row) text(column string) string { return fmt.Sprint(r[column]) }

// rows runs one of the inspect queries.
func rows(t *testing.T, db *enginetest.DB, sql, table string) []row {
	t.Helper()
	sql = strings.NewReplacer("{database:String}", "''", "{table:String}", ddl.QuoteString(table)).Replace(sql)
	out := db.Query(t, sql+" FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0")
	var all []row
	dec := json.NewDecoder(strings.NewReader(out))
	dec.UseNumber()
	for dec.More() {
		var r row
		require.NoError(t, dec.Decode(&r))
		all = append(all, r)
	}
	return all
}

// RequireSame checks that the server holds exactly the table that was wanted,
// and that no change is planned.
func RequireSame(t *testing.T, db *enginetest.DB, want ddl.Table) {
	t.Helper()
	want = Printed(t, db, want)
	have := Inspect(t, db, want.Name)
	require.NotNil(t, have)
	require.Equal(t, want.Canonical().Projections, have.Canonical().Projections)
	plan := diff.MakePlan(want, have)
	require.Empty(t, plan.Statements)
	require.Empty(t, plan.Notes)
	want.Database = have.Database
	require.Equal(t, want.Canonical(), have.Canonical())
}

// NewTable returns the table of a schema.
func NewTable(t *testing.T, s fact.Schema, o ddl.Options) ddl.Table {
	t.Helper()
	table, err := ddl.NewTable(s, o)
	require.NoError(t, err)
	return table
}

// Apply runs the plan that the default policy permits.
func Apply(t *testing.T, db *enginetest.DB, want ddl.Table, allowed ...ddl.Hazard) diff.Plan {
	t.Helper()
	plan := diff.MakePlan(Printed(t, db, want), Inspect(t, db, want.Name))
	require.NoError(t, plan.Check(allowed...))
	for _, s := range plan.Statements {
		db.Exec(t, s.SQL)
	}
	return plan
}

// HostileNames are names that somebody might use to leave the quotes, or by
// accident.
var HostileNames = []string{
	"`", "``", "a`b", "\\", "\\\\", "a\\", "\\`", "`; DROP TABLE x; --", "a` String) ENGINE = Memory; --",
	"'", `"`, `a'b"c`, "\n", "a\nb", "\r\n", "\t", " ", " a ", "\x01", "\x1b[31m", "\x7f", "\b\f\v\a",
	"*", "?", "%", "%20", ".", "..", "../../etc/passwd", "/", "a.b", "a/b", "$x$", "{x:String}", "{x}", "@x", "#x", "-- x", "/* x */", ";",
	"select", "SELECT", "null", "NULL", "trues", "table", "from", "tuple()", "toDate(a)", "1", "1e3", "0x10", "-1",
	"TTL", "ORDER BY", "SETTINGS", "PARTITION BY x", "INTERVAL 1 DAY", "DEFAULT", "CODEC(NONE)", "INDEX", "PRIMARY KEY", "PROJECTION", "CONSTRAINT",
	"ünï", "тест", "测试", "😀", "\u00a0", "\u200b", "\u202eabc", "\ufeff", "‘a’", "“a”", "é", "e\u0301", "\\N", "\\x41", "\\0", "İ",
	"_part", "_table", "count", "A", "a",
}

// Reload makes the server read the table's definition from its file again, as
// it does when it starts.
func Reload(t *testing.T, db *enginetest.DB, name string) {
	t.Helper()
	db.Exec(t, "DETACH TABLE "+ddl.QuoteIdent(name)+" SYNC")
	db.Exec(t, "ATTACH TABLE "+ddl.QuoteIdent(name))
}

// HostileText returns a text of pieces that mean something in SQL.
func HostileText(r *rand.Rand) string {
	pieces := []string{
		"`", "'", `"`, "\\", "\\'", "\\`", "--", "/*", "*/", "#", ";", "(", ")", ",", "\n", "\r", "\t", " ", "\x01", "\x7f", "\u00a0", "\u2019", "😀", "$$", "$x$", "{", "}", "{x:String}",
		"DROP TABLE t", "SETTINGS", "NULL", "x", "0", "\\x41", "\\0", "\\N", "%", "?", "''", "``", "INTO OUTFILE", "FORMAT", "COMMENT", "é", "ñ",
	}
	var b strings.Builder
	for range 1 + r.IntN(6) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}
