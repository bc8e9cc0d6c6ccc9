package ddl_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// create makes the table on the engine.
func create(t *testing.T, db *enginetest.DB, table ddl.Table) {
	t.Helper()
	db.Exec(t, ddl.CreateSQL(table))
}

// inspect reads the table back from the engine. It is nil when there is none.
func inspect(t *testing.T, db *enginetest.DB, name string) *ddl.Table {
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
		granularity, err := r["granularity"].(json.Number).Int64()
		require.NoError(t, err)
		catalog.Indexes = append(catalog.Indexes, ddl.CatalogIndex{
			Name: r.text("name"), Expr: r.text("expr"), Type: r.text("type_full"), Granularity: uint64(granularity),
		})
	}
	for _, r := range rows(t, db, ddl.InspectProjectionsSQL, name) {
		catalog.Projections = append(catalog.Projections, ddl.CatalogProjection{Name: r.text("name"), Query: r.text("query")})
	}
	table, err := ddl.FromCatalog(catalog)
	require.NoError(t, err)
	table = printed(t, db, table)
	return &table
}

// printed returns the table as the engine prints it.
func printed(t *testing.T, db *enginetest.DB, table ddl.Table) ddl.Table {
	t.Helper()
	table, err := db.Printed(t.Context(), table)
	require.NoError(t, err)
	return table
}

// row is a row of a result by column name.
type row map[string]any

func (r row) text(column string) string { return r[column].(string) }

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

// requireSame checks that the server holds exactly the table that was wanted,
// and that no change is planned.
func requireSame(t *testing.T, db *enginetest.DB, want ddl.Table) {
	t.Helper()
	want = printed(t, db, want)
	have := inspect(t, db, want.Name)
	require.NotNil(t, have)
	require.Equal(t, want.Canonical().Projections, have.Canonical().Projections)
	require.Empty(t, ddl.Diff(want, have))
	require.True(t, ddl.MakePlan(want, have).Empty())
	want.Database = have.Database
	require.Equal(t, want.Canonical(), have.Canonical())
}
