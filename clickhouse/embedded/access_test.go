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
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

// What would let the user out of the engine; see userGrants.
func TestUserMayNot(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	dir := t.TempDir()
	for _, sql := range []string{
		"SELECT * FROM file('/etc/hostname', 'TSV', 's String')",
		"INSERT INTO FUNCTION file('DIR/x', 'TSV', 's String') VALUES ('x')",
		"CREATE TABLE f (s String) ENGINE = File(TSV, '/etc/hostname')",
		"CREATE TABLE f (s String) ENGINE = FileLog('/etc', 'TSV')",
		"CREATE DATABASE f ENGINE = Filesystem('/etc')",
		"CREATE DATABASE f ENGINE = SQLite('DIR/x')",
		"CREATE TABLE f (k String, v String) ENGINE = EmbeddedRocksDB(0, 'DIR/x') PRIMARY KEY k",
		"SELECT * FROM filesystem('/etc')",
		"SELECT * FROM sqlite('/nowhere/x', 't')",
		"CREATE DICTIONARY f (s String) PRIMARY KEY s SOURCE(EXECUTABLE(COMMAND 'id' FORMAT TSV)) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)",
		"CREATE TABLE f (s String) ENGINE = Executable('id', 'TSV')",
		"CREATE TABLE f (s String) ENGINE = ExecutablePool('id', 'TSV')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'TSV', 's String')",
		"CREATE TABLE f (s String) ENGINE = URL('http://127.0.0.1:1/', 'TSV')",
		"SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'TSV', 's String')",
		"CREATE TABLE f (s String) ENGINE = S3('http://127.0.0.1:1/bucket/key', 'TSV')",
		"SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
		"CREATE DATABASE f ENGINE = MySQL('127.0.0.1:1', 'd', 'u', 'p')",
		"SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
		"SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM STOP LISTEN HTTP", "SYSTEM START LISTEN TCP",
	} {
		_, err := tryQuery(t.Context(), s, strings.ReplaceAll(sql, "DIR", dir))
		require.ErrorContains(t, err, "ACCESS_DENIED", sql)
	}
	for _, sql := range []string{ // refused for other reasons
		"SELECT 1 INTO OUTFILE 'DIR/x'",
		"BACKUP DATABASE factload TO File('DIR/x')",
		"SELECT * FROM executable('id', 'TSV', 's String')",
		"CREATE USER u",
	} {
		_, err := tryQuery(t.Context(), s, strings.ReplaceAll(sql, "DIR", dir))
		require.Error(t, err, sql)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, s.Err())
}
