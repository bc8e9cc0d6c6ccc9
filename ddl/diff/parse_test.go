package diff_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

// hostileTables returns two tables, one with every kind of name and text taken
// from text, and one without.
func hostileTables(text string) (with, without ddl.Table, err error) {
	base := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String}, {Name: "n", Type: fact.UInt8}, {Name: "e", Type: fact.Enum, Values: []string{"-"}},
	}}
	o := ddl.Options{Settings: map[string]string{"storage_policy": "another one"}}
	if without, err = ddl.NewTable(base, o); err != nil {
		return with, without, err
	}
	s := fact.Schema{Name: text, OrderBy: []string{text}, Fields: []fact.Field{
		{Name: text, Type: fact.String, Default: text, Comment: text},
		{Name: "id", Type: fact.LowCardinalityString, Default: text, Comment: text},
		{Name: "n", Type: fact.UInt16, Comment: text},
		{Name: "e", Type: fact.Enum, Values: []string{"-", text + "-"}, Default: text + "-"},
		{Name: text + "2", Type: fact.StringMap, Default: map[string]string{text: text}},
		{Name: text + "3", Type: fact.String, Array: true, Default: []string{text}},
		{Name: text + "4", Type: fact.JSON, Default: map[string]any{text: text}},
	}}
	o.Comment, o.Settings["storage_policy"], o.Cluster = text, text, text
	o.TTL = "now() + INTERVAL 1 DAY DELETE WHERE " + ddl.QuoteIdent(text) + " = " + ddl.QuoteString(text)
	o.Columns = map[string]ddl.ColumnOptions{"n": {TTL: "now() + toIntervalDay(length(" + ddl.QuoteIdent(text) + "))", Codec: "ZSTD(1)"}}
	o.Indexes = []ddl.Index{{Name: text, Expr: ddl.QuoteIdent(text), Type: "set(1)"}}
	o.Projections = []ddl.Projection{{Name: text, Select: "SELECT id, " + ddl.QuoteIdent(text) + " ORDER BY " + ddl.QuoteIdent(text)}}
	o.Views = []ddl.ViewOptions{{
		Name: text + "v", To: text + "to", Comment: text, Select: "SELECT " + ddl.QuoteIdent(text) + ", " + ddl.QuoteString(text) + " AS " + ddl.QuoteIdent(text+"2") + " FROM " + ddl.QuoteIdent(text),
		Target: ddl.TargetOptions{Columns: []ddl.TargetColumn{{Name: text, Type: "String", Comment: text}}, OrderBy: []string{text}, Comment: text},
	}}
	with, err = ddl.NewTable(s, o)
	return with, without, err
}

// hostileStatements returns every statement that leads from one of the tables
// to the other, and the statement that creates the first.
func hostileStatements(with, without ddl.Table) []string {
	out := []string{ddl.CreateSQL(with)}
	without.Name = with.Name
	with.Database, without.Database = with.Name, with.Name
	from, back := with, without
	from.Storage, back.Storage = &ddl.Storage{Parts: 1}, &ddl.Storage{Parts: 1}
	for _, s := range append(diff.InPlace(with, &back), diff.InPlace(without, &from, diff.Prune)...) {
		if s.SQL != "" {
			out = append(out, s.SQL)
		}
	}
	out = append(out, ddl.CreateSQL(*with.Views[0].Target))
	changed := with
	changed.Views = []ddl.View{with.Views[0]}
	changed.Views[0].Select, changed.Views[0].Comment, changed.Views[0].To.Database = "SELECT 1", "another", with.Database
	changed.Indexes = []ddl.Index{{Name: with.Indexes[0].Name, Expr: with.Indexes[0].Expr, Type: "minmax"}}
	changed.Projections = []ddl.Projection{{Name: with.Projections[0].Name, Select: "SELECT 1"}}
	for _, s := range diff.MakePlan(with, &changed).Statements {
		out = append(out, s.SQL)
	}
	return out
}

// tree returns how the engine reads a statement, which must be one statement. A
// settings clause is put behind it: a text that left its quotes would swallow
// the clause, end the statement, or be a syntax error.
func tree(t *testing.T, db *enginetest.DB, sql string) string {
	t.Helper()
	if !strings.Contains(sql, "SETTINGS mutations_sync") {
		sql += " SETTINGS max_threads = 1"
	}
	if strings.HasPrefix(sql, "CREATE") && strings.Contains(sql, "\nSETTINGS") && !strings.Contains(sql, "\nCOMMENT") {
		sql = strings.TrimSuffix(sql, " SETTINGS max_threads = 1") // one such clause is all that fits there
	}
	out, err := db.Try(t.Context(), "EXPLAIN AST "+sql)
	require.NoError(t, err, "%s", sql)
	require.True(t, strings.HasPrefix(out, "AlterQuery") || strings.HasPrefix(out, "CreateQuery") || strings.HasPrefix(out, "DropQuery"), "%s", out)
	require.Contains(t, out, "Set", "%s", sql)
	return out
}

// shape returns the kinds of the nodes of a tree, without the names in it.
func shape(tree string) string {
	var b strings.Builder
	for line := range strings.Lines(tree) {
		kind, _, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		fmt.Fprintf(&b, "%d %s\n", len(line)-len(strings.TrimLeft(line, " ")), strings.TrimSpace(kind))
	}
	return b.String()
}

// requireParses checks that every statement made of text is read by the engine
// just like the one that is made of a harmless name, which has the given shape.
func requireParses(t *testing.T, db *enginetest.DB, text string, statements, shapes []string) {
	t.Helper()
	require.Len(t, statements, len(shapes), "%q", text)
	for i, sql := range statements {
		got := tree(t, db, sql)
		if strings.ContainsAny(text, "\n\r") {
			continue // the engine prints names on several lines
		}
		require.Equal(t, shapes[i], shape(got), "%s", sql)
	}
}

// harmlessShapes returns the shapes of all statements for a harmless name.
func harmlessShapes(t *testing.T, db *enginetest.DB) []string {
	t.Helper()
	with, without, err := hostileTables("harmless")
	require.NoError(t, err)
	var out []string
	for _, sql := range hostileStatements(with, without) {
		out = append(out, shape(tree(t, db, sql)))
	}
	require.Greater(t, len(out), 15)
	return out
}

func TestEveryStatementParses(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	texts := append([]string{}, ddltest.HostileNames...)
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		texts = append(texts, ddltest.HostileText(r))
	}
	shapes := harmlessShapes(t, db)
	tried := 0
	for _, text := range texts {
		with, without, err := hostileTables(text)
		if err != nil {
			continue // refused before it becomes SQL
		}
		tried++
		requireParses(t, db, text, hostileStatements(with, without), shapes)
	}
	require.Greater(t, tried, len(texts)*3/4)
}

// FuzzStatementsParse lets the engine judge what any text makes of the
// statements.
func FuzzStatementsParse(f *testing.F) {
	for _, text := range ddltest.HostileNames[:4] { // TestEveryStatementParses has the others
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		with, without, err := hostileTables(text)
		if err != nil {
			return
		}
		db := enginetest.Database(t)
		requireParses(t, db, text, hostileStatements(with, without), harmlessShapes(t, db))
	})
}

// FuzzYAMLParses lets the engine judge the tables of any YAML that is a schema.
func FuzzYAMLParses(f *testing.F) {
	for _, text := range ddltest.HostileNames[:4] {
		f.Add(yamlOf(text))
	}
	f.Add("name: t\norder_by: [a]\nfields:\n  - {name: a, type: string}\nclickhouse: {ttl: \"now() + INTERVAL 1 DAY\", partition_by: a, indexes: [{name: i, expr: a, type: minmax}]}")
	f.Fuzz(func(t *testing.T, text string) { requireYAMLParses(t, enginetest.Database(t), text) })
}

func TestYAMLParses(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		requireYAMLParses(t, db, yamlOf(ddltest.HostileText(r)))
	}
}

func yamlOf(text string) string {
	q := fmt.Sprintf("%q", text)
	return "name: " + q + "\norder_by: [" + q + "]\nfields:\n  - {name: " + q + ", type: string, default: " + q + ", comment: " + q + "}\nclickhouse: {comment: " + q + ", settings: {storage_policy: " + q + "}}\n"
}

func requireYAMLParses(t *testing.T, db *enginetest.DB, text string) {
	t.Helper()
	defs, err := schemas.Parse("fuzz.yaml", []byte(text))
	if err != nil {
		return
	}
	for _, def := range defs {
		table, err := ddl.NewTable(def.Schema, def.Table)
		if err != nil || trusted(def.Table) {
			continue
		}
		tree(t, db, ddl.CreateSQL(table))
	}
}

// trusted reports whether the options hold SQL, which only its author can
// answer for.
func trusted(o ddl.Options) bool {
	return o.Engine != "" || o.PartitionBy != "" || o.TTL != "" || len(o.Columns)+len(o.Indexes)+len(o.Projections)+len(o.Views) > 0
}
