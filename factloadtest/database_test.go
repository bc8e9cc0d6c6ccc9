package factloadtest_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/factloadtest"
	"github.com/factload/factload/internal/enginetest"
)

type answer struct {
	ID    string `fact:"id,fact_id"`
	Score float64
}

var answers = fact.Schema{Name: "answer", OrderBy: []string{"id"}, Fields: []fact.Field{
	{Name: "id", Type: fact.String, FactID: true}, {Name: "score", Type: fact.Float64},
}}

// service is what a user would test.
func service(ctx context.Context, dsn, id string) error {
	m, err := clickhouse.New(clickhouse.Config{DSN: dsn})
	if err != nil {
		return err
	}
	defer m.Close(ctx)
	p := fact.NewPipeline(fact.WithMaterializer(m))
	if err := p.EnsureSchemas(ctx, answers); err != nil {
		return err
	}
	return p.Record(ctx, fact.Of(&answer{ID: id, Score: 0.5}))
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	for range 2 { // each has its own
		db := factloadtest.Database(t, answers)
		for _, err := range clickhouse.Select[answer](t.Context(), db.Client, answers, "") {
			require.NoError(t, err, "the table is there")
			require.Fail(t, "and is empty")
		}
		for _, dsn := range []string{db.DSN, db.HTTPDSN} {
			require.NoError(t, service(t.Context(), dsn, dsn))
		}
		n := 0
		for got, err := range clickhouse.Select[answer](t.Context(), db.Client, answers, "") {
			require.NoError(t, err)
			require.Contains(t, []answer{{db.DSN, 0.5}, {db.HTTPDSN, 0.5}}, got)
			n++
		}
		require.Equal(t, 2, n)
	}
}

// runDatabase runs TestDatabase in another process with another environment.
func runDatabase(t *testing.T, env ...string) (output string, passed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^TestDatabase$")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), enginetest.DSNEnv+"=", enginetest.HTTPDSNEnv+"=")
	cmd.Env = append(cmd.Env, env...)
	text, err := cmd.CombinedOutput()
	return string(text), err == nil
}

// TestNoEngine: without an engine, tests say that they have tested nothing.
func TestNoEngine(t *testing.T) {
	t.Parallel()
	none := []string{embedded.LibraryEnv + "=", "HOME=" + t.TempDir(), "XDG_CACHE_HOME=" + t.TempDir()}
	output, passed := runDatabase(t, none...)
	require.True(t, passed, output)
	require.Contains(t, output, "--- SKIP: TestDatabase")
	require.Contains(t, output, "SKIPPED, not tested: no engine: there is no ClickHouse engine on this machine: run factload engine install")

	output, passed = runDatabase(t, append(none, factloadtest.RequiredEnv+"=1")...)
	require.False(t, passed, output)
	require.Contains(t, output, "run factload engine install")

	output, passed = runDatabase(t, embedded.LibraryEnv+"=/nowhere/libchdb.so")
	require.False(t, passed, output)
	require.Contains(t, output, "there is no engine library /nowhere/libchdb.so")
}
