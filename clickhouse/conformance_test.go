package clickhouse_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest"
	"github.com/factload/factload/internal/enginetest"
)

// The Materializer keeps the promises of its interfaces, over both protocols.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			facttest.TestMaterializer(t, func(t *testing.T) facttest.MaterializerTarget {
				db := enginetest.Database(t)
				dsn := db.DSN
				if protocol == "http" {
					dsn = db.HTTPDSN
				}
				return facttest.MaterializerTarget{
					New:  func() fact.Materializer { return newMaterializer(t, dsn) },
					Rows: func(schema fact.Schema) []map[string]any { return rowsOf(t, db, schema.Name) },
				}
			})
		})
	}
}

func newMaterializer(t *testing.T, dsn string) *clickhouse.Materializer {
	t.Helper()
	m, err := clickhouse.New(clickhouse.Config{DSN: dsn})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.WithoutCancel(t.Context()))) })
	return m
}

// rowsOf asks the engine itself for the rows of a table.
func rowsOf(t *testing.T, db *enginetest.DB, table string) []map[string]any {
	t.Helper()
	quoted := "`" + table + "`"
	if db.Query(t, "EXISTS TABLE "+quoted) == "0" {
		return nil
	}
	text := db.Query(t, "SELECT * FROM "+quoted+" FORMAT JSONEachRow SETTINGS output_format_json_quote_decimals = 1")
	var rows []map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	for dec.More() {
		var row map[string]any
		require.NoError(t, dec.Decode(&row))
		rows = append(rows, row)
	}
	return rows
}
