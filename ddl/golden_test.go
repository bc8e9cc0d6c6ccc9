package ddl_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/internal/enginetest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestGoldenStatements(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, c := range goldenCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			table, err := ddl.NewTable(c.schema, c.options)
			require.NoError(t, err)
			want := golden(t, c.name, ddl.CreateSQL(table))

			plan := diff.MakePlan(table, ddltest.Inspect(t, db, table.Name))
			require.Len(t, plan.Statements, 1)
			require.Equal(t, strings.TrimSpace(want), plan.Statements[0].SQL)
			db.Exec(t, want)
			ddltest.RequireSame(t, db, table)
			db.Exec(t, want) // nothing happens when it exists
			ddltest.RequireSame(t, db, table)
		})
	}
}

// golden compares a statement with its file, and returns what the file says.
func golden(t *testing.T, name, got string) string {
	t.Helper()
	path := filepath.Join("testdata", "create", name+".sql")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got+"\n"), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run go test ./ddl -update")
	require.Equal(t, string(want), got+"\n")
	return string(want)
}

func TestGoldenStatementsParse(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, c := range parsedCases() {
		table, err := ddl.NewTable(c.schema, c.options)
		require.NoError(t, err)
		tables, err := ddl.Expand(table)
		require.NoError(t, err)
		var statements []string
		for _, table := range tables {
			statements = append(statements, ddl.CreateSQL(table))
		}
		for _, sql := range strings.Split(golden(t, c.name, strings.Join(statements, ";\n\n")), ";\n") {
			require.Contains(t, db.Query(t, "EXPLAIN AST "+sql), "CreateQuery")
		}
		for _, table := range tables {
			older := table
			older.Columns = table.Columns[:1]
			plan := diff.MakePlan(table, &older)
			require.Len(t, plan.Statements, 1)
			require.Contains(t, db.Query(t, "EXPLAIN AST "+plan.Statements[0].SQL), "AlterQuery")
		}
	}
}

func TestGoldenFilesHaveCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "create", "*.sql"))
	require.NoError(t, err)
	require.Len(t, files, len(goldenCases())+len(parsedCases()), "a golden file without a case, or a case without a file")
}
