//go:build linux

package erase_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/pgtest"
)

// TestErasePostgres is TestEraseSoak with the log in PostgreSQL, on which ANALYZE has run.
func TestErasePostgres(t *testing.T) {
	t.Parallel()
	cluster, err := pgtest.New()
	pgtest.Require(t, err)
	defer func() { require.NoError(t, cluster.Remove()) }()
	require.NoError(t, cluster.Start())
	defer func() { require.NoError(t, cluster.Stop()) }()
	data := t.TempDir()
	server := enginetest.Start(t, embedded.Config{DataDir: data})
	c := child{DSN: server.DSN(), Postgres: cluster.DSN(), Rejects: filepath.Join(t.TempDir(), "rejects.jsonl"), Value: subject}
	c.record(t, 2000, 100)
	pg, err := sql.Open("pgx", cluster.DSN())
	require.NoError(t, err)
	defer pg.Close()
	inDatabase := func() []string {
		_, err := pg.ExecContext(t.Context(), "CHECKPOINT")
		require.NoError(t, err)
		// The WAL is PostgreSQL's to recycle, and is said to be not covered.
		return slices.DeleteFunc(filesWith(t, cluster.Data()), func(path string) bool {
			return strings.Contains(path, "/pg_wal/")
		})
	}
	_, err = pg.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
	var samples int
	err = pg.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stats WHERE strpos(concat(most_common_vals, histogram_bounds), 'zebra-7f3a') > 0").Scan(&samples)
	require.NoError(t, err)
	require.Zero(t, samples, "compressed, statistics cannot be searched by file")
	before := others(t, server, c)
	require.NotEmpty(t, inDatabase())

	c.killed(t, server, 4)
	report, err := c.erase(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Left(), "%+v", report)
	require.Equal(t, before, others(t, server, c))
	require.Empty(t, inDatabase())
	require.Empty(t, filesWith(t, data, filepath.Dir(c.Rejects)))
}
