package chconn_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/internal/enginetest"
)

// TestHosts: a host that dies gives way to the next one, and is used again when it is back. Connections
// are spread over the hosts if the DSN says so.
func TestHosts(t *testing.T) {
	t.Parallel()
	engines := enginetest.Cluster(t, 2)
	hosts := make([]string, 2)
	for i, e := range engines {
		hosts[i] = chtest.Host(t, e.DSN())
		require.NoError(t, open(t, e.DSN()).Exec(t.Context(), fmt.Sprintf("CREATE VIEW me AS SELECT '%d' AS host", i)))
	}
	of := func(first, second string, more string) *testClient {
		return open(t, chtest.WithDSN(t, engines[0].DSN(), func(u *url.URL) { u.Host, u.RawQuery = first+","+second, u.RawQuery+more }))
	}
	host := func(c *testClient) string {
		t.Helper()
		answer, err := c.SelectText(t.Context(), "ask", "SELECT host FROM me")
		require.NoError(t, err)
		return answer
	}
	balanced := of(hosts[0], hosts[1], "&connection_open_strategy=round_robin")
	seen := make([]string, 4)
	var asking sync.WaitGroup
	for i := range seen { // more at once than one connection can take
		asking.Go(func() {
			seen[i], _ = balanced.SelectText(t.Context(), "ask", "SELECT host FROM me WHERE sleep(0.5) = 0")
		})
	}
	asking.Wait()
	require.Subset(t, seen, []string{"0", "1"})
	c := of(hosts[0], hosts[1], "")
	require.Equal(t, "0", host(c))
	require.NoError(t, engines[0].Kill())
	_, _ = c.SelectText(t.Context(), "ask", "SELECT host FROM me") // may find the old connection cut
	require.Equal(t, "1", host(c))
	require.NoError(t, engines[0].Restart(t.Context()))
	require.Equal(t, "0", host(of(hosts[0], hosts[1], "")))
}
