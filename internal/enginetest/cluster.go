package enginetest

import (
	"fmt"
	"net"
	"testing"

	"github.com/factload/factload/clickhouse/embedded"
)

// ClusterName is the name of the clusters of [Cluster].
const ClusterName = "shards"

// Cluster returns n embedded engines that are the shards of a cluster, each on a loopback address of its own. They
// belong to the test, which may kill and restart them. All have the same user and password.
func Cluster(t testing.TB, n int) []*embedded.Server {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = freeAddr(t, fmt.Sprintf("127.0.0.%d", i+2))
	}
	servers := make([]*embedded.Server, n)
	for i := range servers {
		host, _, _ := net.SplitHostPort(addrs[i])
		servers[i] = Start(t, embedded.Config{
			Native: addrs[i], HTTP: net.JoinHostPort(host, "0"), Password: "one for all", Remote: true,
			Clusters: map[string][]string{ClusterName: addrs},
		})
	}
	return servers
}

// freeAddr returns an address that nobody listens on.
func freeAddr(t testing.TB, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}
