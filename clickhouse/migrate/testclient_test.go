package migrate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// testClient is all that goes over one Client's connections.
type testClient struct {
	*chconn.Client
	*Migrator
}

func open(t testing.TB, dsn string, opts ...Option) *testClient {
	t.Helper()
	c, err := chconn.Open(dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return &testClient{c, New(c, opts...)}
}

func bothProtocols(t *testing.T, test func(t *testing.T, db *enginetest.DB, c *testClient)) {
	t.Helper()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) { test(t, db, open(t, dsn)) })
}

func ensure(t testing.TB, c *testClient, s fact.Schema) {
	t.Helper()
	require.NoError(t, c.Ensure(t.Context(), chtest.NewTable(t, s, ddl.Options{})))
}
