package enginetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
)

func TestMain(m *testing.M) { Main(m) }

func TestDatabase(t *testing.T) {
	t.Parallel()
	a, b := Database(t), Database(t)
	a.Exec(t, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
	a.Exec(t, "INSERT INTO t VALUES (1), (2)")
	require.Equal(t, "2\t3", a.Query(t, "SELECT count(), sum(x) FROM t"))
	require.Equal(t, a.Name, a.Query(t, "SELECT currentDatabase()"))

	_, err := b.Try(t.Context(), "SELECT * FROM t")
	require.ErrorContains(t, err, "UNKNOWN_TABLE", "databases are apart")
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) { name = Database(t).Name })
	require.Equal(t, "0", Database(t).Query(t, "SELECT count() FROM system.databases WHERE name = '"+name+"'"))
}

func TestStart(t *testing.T) {
	t.Parallel()
	server := Start(t, embedded.Config{})
	db := &DB{HTTPDSN: server.HTTPDSN()}
	db.Exec(t, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
	db.Exec(t, "INSERT INTO t VALUES (1)")
	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
	require.Equal(t, "1", db.Query(t, "SELECT count() FROM t"))
}
