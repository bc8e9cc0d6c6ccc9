package enginetest

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
)

// noMainEnv makes this package one that has forgotten to call Main.
const noMainEnv = "FACTLOAD_ENGINETEST_NO_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(noMainEnv) != "" {
		m.Run()
		return
	}
	Main(m)
}

// runTests runs tests of this package again, in another process with another environment.
func runTests(t *testing.T, tests string, env ...string) (output string, passed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^("+tests+")$")
	cmd.Env = append(os.Environ(), DSNEnv+"=", HTTPDSNEnv+"=")
	cmd.Env = append(cmd.Env, env...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
	}
	return string(text), err == nil
}

func TestNoEngineIsAFailure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, env string
		want      []string
	}{
		{"no library", embedded.LibraryEnv + "=/nowhere/libchdb.so", []string{"/nowhere/libchdb.so", "factload engine install"}},
		{"half a server", DSNEnv + "=clickhouse://127.0.0.1:1/d", []string{HTTPDSNEnv}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			output, passed := runTests(t, "TestDatabase", test.env)
			require.False(t, passed, output)
			require.Contains(t, output, "--- FAIL: TestDatabase")
			for _, want := range test.want {
				require.Contains(t, output, want)
			}
		})
	}
}

// TestNoMain: without Main, the last test that uses the engine stops it.
func TestNoMain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	output, passed := runTests(t, "TestDatabase|TestDatabaseIsDropped", noMainEnv+"=1", "TMPDIR="+dir)
	require.True(t, passed, output)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "its data is gone")
}

func TestExternalEngine(t *testing.T) {
	t.Parallel()
	db := Database(t)
	output, passed := runTests(t, "TestDatabase|TestStart", DSNEnv+"="+db.DSN, HTTPDSNEnv+"="+db.HTTPDSN)
	require.True(t, passed, output)
	require.Contains(t, output, "--- PASS: TestDatabase")
	require.Contains(t, output, "--- SKIP: TestStart", "an engine to kill is none of the user's")
}

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
