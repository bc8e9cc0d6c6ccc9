package htmlreport_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/browsertest"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

func TestMain(m *testing.M) {
	code := enginetest.Run(m)
	browsertest.End()
	os.Exit(code) //nolint:forbidigo // what TestMain is for
}

// database makes the built-in tables, empty.
func database(t *testing.T) (*enginetest.DB, *clickhouse.Client) {
	t.Helper()
	db := enginetest.Database(t)
	client, err := clickhouse.Open(db.HTTPDSN)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	for _, def := range schemas.Builtins() {
		table, err := ddl.NewTable(def.Schema, def.Table)
		require.NoError(t, err)
		require.NoError(t, migrate.New(client).Ensure(t.Context(), table))
	}
	return db, client
}

func insertSample(t *testing.T, db *enginetest.DB, schema string, rows int) {
	t.Helper()
	var b strings.Builder
	_, err := sample.Write(t.Context(), &b, schema, rows, 1)
	require.NoError(t, err)
	db.Exec(t, "INSERT INTO "+schema+" SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n"+b.String())
}

func insertSamples(t *testing.T, db *enginetest.DB) {
	t.Helper()
	for schema, rows := range map[string]int{"message": 3000, "conversation": 600, "tool_call": 800, "eval_result": 6000} {
		insertSample(t, db, schema, rows)
	}
}
