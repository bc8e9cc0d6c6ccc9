package clickhouse

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/internal/enginetest"
)

func retryable() error { return &Error{Op: "op", Class: ErrRetryable, Text: "down"} }
func ambiguous() error {
	return &Error{Op: "op", Class: ErrAmbiguous, Text: "cut", Cause: io.ErrUnexpectedEOF}
}

func rejected() error {
	return &Error{Op: "op", Class: ErrRejected, Code: chconn.CodeAccessDenied, Text: "no"}
}

func open(t testing.TB, dsn string) *Client {
	t.Helper()
	c, err := Open(dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// protocols runs a test for a proxy in front of each of the engine's ports.
func protocols(t *testing.T, test func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *Client)) {
	t.Helper()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		p, dsn := chtest.NewProxy(t, dsn, nil)
		test(t, db, p, open(t, dsn))
	})
}
