package clickhouse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// A schema brings the options of its table along, unless the configuration has some for it.
func TestSchemasBringTheirOptions(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	m, err := New(Config{DSN: db.DSN, Tables: map[string]ddl.Options{"configured": {Comment: "from the configuration"}}})
	require.NoError(t, err)
	defer m.Close(t.Context())
	schema := func(name string, table any) fact.Schema {
		return fact.Schema{Name: name, Fields: []fact.Field{{Name: "id"}, {Name: "at", Type: fact.DateTime64}}, OrderBy: []string{"id"}, Table: table}
	}
	mine := ddl.Options{PartitionBy: "toYYYYMM(at)", Comment: "from the schema"}
	require.NoError(t, m.EnsureSchema(t.Context(), schema("own", mine), schema("configured", mine), schema("bare", nil)))
	require.Equal(t, "bare\t\t\nconfigured\t\tfrom the configuration\nown\ttoYYYYMM(at)\tfrom the schema",
		strings.TrimSpace(db.Query(t, "SELECT name, partition_key, comment FROM system.tables WHERE database = currentDatabase() AND name IN ('own', 'configured', 'bare') ORDER BY name")))
	require.ErrorContains(t, m.EnsureSchema(t.Context(), schema("other", 3)), `schema "other": its Table is a int`)
	require.ErrorContains(t, m.EnsureSchema(t.Context(), schema("own", nil)), "what it says of its table differs")
}
