package ddl_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
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
			got := ddl.CreateSQL(table) + "\n"
			path := filepath.Join("testdata", "create", c.name+".sql")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err, "run go test ./ddl -update")
			require.Equal(t, string(want), got)

			require.Equal(t, []ddl.Change{ddl.CreateTable{Want: table}}, ddl.Diff(table, inspect(t, db, table.Name)))
			db.Exec(t, string(want))
			requireSame(t, db, table)
			db.Exec(t, string(want)) // nothing happens when it exists
			requireSame(t, db, table)
		})
	}
}

func TestGoldenFilesHaveCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "create", "*.sql"))
	require.NoError(t, err)
	require.Len(t, files, len(goldenCases()), "a golden file without a case, or a case without a file")
}
