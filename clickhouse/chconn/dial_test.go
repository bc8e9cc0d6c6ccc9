package chconn

import (
	"testing"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
)

func TestOrderOfHosts(t *testing.T) {
	t.Parallel()
	d := &dialer{hosts: []string{"a", "b", "c"}}
	require.Equal(t, []string{"a", "b", "c"}, d.order(1))
	d.strategy = chgo.ConnOpenRoundRobin
	require.Equal(t, []string{"b", "c", "a"}, d.order(1))
	require.Equal(t, []string{"c", "a", "b"}, d.order(5))
	d.strategy = chgo.ConnOpenRandom
	for range 20 {
		require.ElementsMatch(t, []string{"a", "b", "c"}, d.order(1))
	}
	require.Equal(t, []string{"a", "b", "c"}, d.hosts)
}
