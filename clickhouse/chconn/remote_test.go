package chconn_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
)

// A password inside of a statement, for another server, is no matter of the DSN's.
func TestPasswordOfRemote(t *testing.T) {
	t.Parallel()
	engine := enginetest.Start(t, embedded.Config{Remote: true})
	at, err := url.Parse(engine.DSN())
	require.NoError(t, err)
	for _, dsn := range []string{engine.DSN(), engine.HTTPDSN()} {
		client, err := chconn.Open(dsn)
		require.NoError(t, err)
		var rows []struct {
			One uint8 `ch:"dummy"`
		}
		// The user is that of the DSN, and the password is not.
		err = client.Select(t.Context(), &rows, "SELECT * FROM remote('"+at.Host+"', 'system', 'one', '"+at.User.Username()+"', 'wrong')")
		require.ErrorContains(t, err, "another server, which the statement names, refuses the user and password that it is given there")
		require.NotContains(t, err.Error(), "DSN")
		require.NoError(t, client.Close())
	}
}
