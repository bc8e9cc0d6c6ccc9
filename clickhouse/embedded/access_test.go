//go:build linux && (amd64 || arm64)

package embedded

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/soak"
)

func hexOf(s string) string { return hex.EncodeToString([]byte(s)) }

func lockThread() { runtime.LockOSThread() }

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

// Nobody gets in without the password, by either protocol, whatever the address.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Native: "0.0.0.0:0", HTTP: "0.0.0.0:0"})
	query(t, s, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
	query(t, s, "INSERT INTO t VALUES (1)")
	strangers := []struct {
		name string
		account
		want string // a part of the engine's answer
	}{
		{"no credentials", account{}, "USER_SESSION_LIMIT_EXCEEDED"},
		{"the engine's own user", account{user: "default"}, "USER_SESSION_LIMIT_EXCEEDED"},
		{"the engine's own user with a password", account{"default", "x"}, "Authentication failed"},
		{"no password", account{user: "factload"}, "Code: 516"},
		{"wrong password", account{"factload", "x"}, "Code: 516"},
		{"wrong user", account{"facts", s.cfg.Password}, "Code: 516"},
		{"SQL for a user", account{"' OR 1 --", s.cfg.Password}, "Code: 516"},
	}
	statements := []string{
		"SELECT 1",
		"SELECT * FROM factload.t",
		"SELECT name FROM system.tables",
		"INSERT INTO factload.t VALUES (2)",
		"DROP TABLE factload.t",
		"SYSTEM STOP LISTEN HTTP",
	}
	for _, host := range localAddresses(t) {
		httpAt, nativeAt := addr{host, s.http.port}, addr{host, s.native.port}
		for _, stranger := range strangers {
			for _, sql := range statements {
				answer, err := askHTTP(t.Context(), httpAt, stranger.account, "", sql)
				require.ErrorContains(t, err, stranger.want, "%s: %s", stranger.name, sql)
				require.Empty(t, answer)
			}
			err := greetNative(t.Context(), nativeAt, stranger.account, "factload")
			require.ErrorContains(t, err, "refuses the login", stranger.name)
		}
	}
	require.Equal(t, "1", query(t, s, "SELECT sum(x) FROM t"))
}

// Bad manners end a connection, not the engine. Without harden, most of these end the engine.
func TestRudeClients(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	hello := helloPacket(s.account(), "factload")
	tests := []struct {
		name  string
		send  []byte
		reset bool
	}{
		{"nothing", nil, false},
		{"reset", nil, true},
		{"half a hello", hello[:5], false},
		{"hello and reset", hello, true},
		{"wrong password", helloPacket(account{"factload", "x"}, "factload"), false},
		{"no such database", helloPacket(s.account(), "nowhere"), false},
		{"no user", helloPacket(account{}, "factload"), false},
		{"http", []byte("GET / HTTP/1.1\r\n\r\n"), false},
		{"unknown packet", append(slices.Clone(hello), 99), false},
		{"garbage", bytes.Repeat([]byte{0xff}, 1000), false},
	}
	for _, test := range tests {
		for range 5 {
			for _, at := range []addr{s.native, s.http} {
				conn, err := net.Dial("tcp", at.String())
				require.NoError(t, err, test.name)
				_, err = conn.Write(test.send)
				require.NoError(t, err, test.name)
				if len(test.send) > 0 && !test.reset {
					require.NoError(t, conn.(*net.TCPConn).CloseWrite())
					_, _ = io.Copy(io.Discard, conn) // until the engine has done its part
				}
				if test.reset {
					require.NoError(t, conn.(*net.TCPConn).SetLinger(0))
				}
				require.NoError(t, conn.Close())
			}
			require.Equal(t, "1", query(t, s, "SELECT 1"), test.name)
		}
		require.NoError(t, s.Err(), test.name)
	}
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, s.Err())
}

// localAddresses returns 127.0.0.1 and another IPv4 address of this machine, if it has one.
func localAddresses(t *testing.T) []string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	hosts := []string{"127.0.0.1"}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return append(hosts, ip.IP.String())
		}
	}
	return hosts
}

func TestUserMay(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for _, sql := range []string{
		"CREATE DATABASE d",
		"CREATE TABLE d.t (x UInt64, s LowCardinality(String)) ENGINE = MergeTree ORDER BY x",
		"CREATE TABLE d.r (x UInt64) ENGINE = ReplacingMergeTree ORDER BY x",
		"CREATE TABLE d.a (x AggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY tuple()",
		"CREATE TABLE d.mem (x UInt64) ENGINE = Memory",
		"CREATE TEMPORARY TABLE tmp (x UInt64)",
		"CREATE VIEW d.v AS SELECT * FROM d.t",
		"CREATE MATERIALIZED VIEW d.mv TO d.r AS SELECT x FROM d.t",
		"INSERT INTO d.t SELECT number, 'a' FROM numbers(10)",
		"ALTER TABLE d.t ADD COLUMN y String",
		"ALTER TABLE d.t UPDATE y = 'y' WHERE 1 SETTINGS mutations_sync = 1",
		"RENAME TABLE d.mem TO d.mem2",
		"EXCHANGE TABLES d.t AND d.mem2",
		"TRUNCATE TABLE d.mem2",
		"SHOW DATABASES", "SHOW TABLES FROM d", "SHOW CREATE TABLE d.t", "SHOW GRANTS", "SHOW PROCESSLIST",
		"SELECT * FROM system.parts", "SELECT * FROM system.users", "SELECT * FROM system.events", "SELECT * FROM system.settings",
		"EXPLAIN indexes = 1 SELECT * FROM d.t",
		"KILL QUERY WHERE query_id = 'none'",
		"SYSTEM FLUSH LOGS", "SYSTEM STOP MERGES", "SYSTEM START MERGES", "SYSTEM DROP MARK CACHE",
		"SELECT demangle('x'), addressToLine(toUInt64(1)) SETTINGS allow_introspection_functions = 1",
		"CREATE FUNCTION square AS (x) -> x * x",
		"SELECT * FROM format(JSONEachRow, '{\"x\":1}')",
		"BACKUP TABLE d.t TO Null", "OPTIMIZE TABLE d.r FINAL", "DROP DATABASE d SYNC",
	} {
		_, err := tryQuery(t.Context(), s, sql)
		require.NoError(t, err, sql)
	}
}

// Clients that connect and do not log in are many, and the owner gets in all the same, soon. Who has logged in stays.
func TestStrangersDoNotLockOut(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	hello := helloPacket(s.account(), "factload")
	owner, err := net.Dial("tcp", s.native.String())
	require.NoError(t, err)
	defer owner.Close()
	_, err = owner.Write(hello)
	require.NoError(t, err)
	_, err = owner.Read(make([]byte, 1<<10))
	require.NoError(t, err)

	strangers := 0
	for i := range 4200 { // the engine takes 4096
		at := s.native
		if soak.Scale(0, 1) == 1 && i%2 == 1 {
			at = s.http
		}
		conn, err := net.DialTimeout("tcp", at.String(), time.Second)
		if err != nil {
			continue // so does the engine with too many
		}
		strangers++
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = conn.Write([][]byte{nil, hello[:5]}[i/2%2]) // an engine that has too many hangs up
	}
	require.Greater(t, strangers, 4000)
	require.Eventually(t, func() bool {
		_, err := tryQuery(t.Context(), s, "SELECT 1")
		return err == nil && greetNative(t.Context(), s.native, s.account(), "factload") == nil
	}, 2*deadline, tick)
	require.NoError(t, owner.SetReadDeadline(time.Now().Add(tick)))
	_, err = owner.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, s.Err())
}
