package insert

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// testClient is all that goes over one Client's connections.
type testClient struct {
	*chconn.Client
	*migrate.Migrator
	*Inserter
}

func open(t testing.TB, dsn string) *testClient {
	t.Helper()
	c, err := chconn.Open(dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return &testClient{c, migrate.New(c), New(c)}
}

// anew returns the Client with an Inserter that has not seen any table yet.
func (c *testClient) anew() *testClient { return &testClient{c.Client, c.Migrator, New(c.Client)} }

func bothProtocols(t *testing.T, test func(t *testing.T, db *enginetest.DB, c *testClient)) {
	t.Helper()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) { test(t, db, open(t, dsn)) })
}

// protocols runs a test for a proxy in front of each of the engine's ports. The
// table of [chtest.SmallSchema] is there.
func protocols(t *testing.T, test func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *testClient)) {
	t.Helper()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		p, dsn := chtest.NewProxy(t, dsn, nil)
		c := open(t, dsn)
		ensure(t, c, chtest.SmallSchema, ddl.Options{})
		test(t, db, p, c)
	})
}

func ensure(t testing.TB, c *testClient, s fact.Schema, o ddl.Options) {
	t.Helper()
	require.NoError(t, c.Ensure(t.Context(), chtest.NewTable(t, s, o)))
}

func isClass(err, class error) bool {
	var e *chconn.Error
	return errors.As(err, &e) && e.Class == class //nolint:errorlint // it is the very class
}
