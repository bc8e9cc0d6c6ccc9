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

	d.strategy = chgo.ConnOpenInOrder
	d.note("a", false)
	require.Equal(t, []string{"b", "c", "a"}, d.order(1), "it may be down for long")
	d.note("b", false)
	d.note("c", false)
	require.Equal(t, []string{"a", "b", "c"}, d.order(1), "who is tried when all are down")
	d.note("c", true)
	d.down["a"] = d.down["a"].Add(-downTime)
	require.Equal(t, []string{"a", "c", "b"}, d.order(1), "it is tried again")
}
