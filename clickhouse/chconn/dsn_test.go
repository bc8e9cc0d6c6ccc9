package chconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
)

func TestParseDSN(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dsn      string
		protocol chgo.Protocol
		addr     []string
		auth     chgo.Auth
		secure   bool
		compress chgo.CompressionMethod
	}{
		{"clickhouse://localhost", chgo.Native, []string{"localhost:9000"}, chgo.Auth{}, false, chgo.CompressionNone},
		{"  tcp://u:p@127.0.0.1:1234/db\n", chgo.Native, []string{"127.0.0.1:1234"}, chgo.Auth{Database: "db", Username: "u", Password: "p"}, false, chgo.CompressionNone},
		{"CLICKHOUSE://u@ch.example/db", chgo.Native, []string{"ch.example:9000"}, chgo.Auth{Database: "db", Username: "u"}, false, chgo.CompressionLZ4},
		{"tcp://ch.example?secure=true", chgo.Native, []string{"ch.example:9440"}, chgo.Auth{}, true, chgo.CompressionLZ4},
		{"http://u:p@ch.example/db", chgo.HTTP, []string{"ch.example:8123"}, chgo.Auth{Database: "db", Username: "u", Password: "p"}, false, chgo.CompressionLZ4},
		{"https://ch.example/db?compress=gzip", chgo.HTTP, []string{"ch.example:8443"}, chgo.Auth{Database: "db"}, true, chgo.CompressionGZIP},
		{"https://ch.example:1/db?secure=true", chgo.HTTP, []string{"ch.example:1"}, chgo.Auth{Database: "db"}, true, chgo.CompressionLZ4},
		{"clickhouse://a:1,b:2,c/db", chgo.Native, []string{"a:1", "b:2", "c:9000"}, chgo.Auth{Database: "db"}, false, chgo.CompressionLZ4},
		{"clickhouse://[::1]:1,[::1]/db", chgo.Native, []string{"[::1]:1", "[::1]:9000"}, chgo.Auth{Database: "db"}, false, chgo.CompressionNone},
		{"clickhouse://h/?database=d&username=u&password=p@x", chgo.Native, []string{"h:9000"}, chgo.Auth{Database: "d", Username: "u", Password: "p@x"}, false, chgo.CompressionLZ4},
		{"clickhouse://u%40x:p%2F%23%3F%40%25@h/d%20b", chgo.Native, []string{"h:9000"}, chgo.Auth{Database: "d b", Username: "u@x", Password: "p/#?@%"}, false, chgo.CompressionLZ4},
		{"clickhouse://u:p@ss:w@h/db", chgo.Native, []string{"h:9000"}, chgo.Auth{Database: "db", Username: "u", Password: "p@ss:w"}, false, chgo.CompressionLZ4},
		{"clickhouse://localhost?compress=zstd", chgo.Native, []string{"localhost:9000"}, chgo.Auth{}, false, chgo.CompressionZSTD},
		{"clickhouse://h?compress=false", chgo.Native, []string{"h:9000"}, chgo.Auth{}, false, chgo.CompressionLZ4},
		{"clickhouse://h?compress=none", chgo.Native, []string{"h:9000"}, chgo.Auth{}, false, chgo.CompressionNone},
	} {
		t.Run(tc.dsn, func(t *testing.T) {
			t.Parallel()
			opt, _, err := parseDSN(tc.dsn, &clientOptions{})
			require.NoError(t, err)
			require.Equal(t, tc.protocol, opt.Protocol)
			require.Equal(t, tc.addr, opt.Addr)
			require.Equal(t, tc.auth, opt.Auth)
			require.Equal(t, tc.secure, opt.TLS != nil)
			require.Equal(t, tc.compress, opt.Compression.Method)
			require.Equal(t, defaultDialTimeout, opt.DialTimeout)
			require.Equal(t, defaultReadTimeout, opt.ReadTimeout)
			require.Equal(t, defaultMaxConns, opt.MaxOpenConns)
		})
	}
}

func TestParseDSNParameters(t *testing.T) {
	t.Parallel()
	opt, _, err := parseDSN("clickhouse://h/db?dial_timeout=3s&read_timeout=7s&max_open_conns=2&max_idle_conns=1&max_threads=4"+
		"&connection_open_strategy=round_robin", &clientOptions{})
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, opt.DialTimeout)
	require.Equal(t, 7*time.Second, opt.ReadTimeout)
	require.Equal(t, 2, opt.MaxOpenConns)
	require.Equal(t, 1, opt.MaxIdleConns)
	require.Equal(t, chgo.ConnOpenRoundRobin, opt.ConnOpenStrategy)
	require.Equal(t, chgo.Settings{"max_threads": 4}, opt.Settings)
}

func TestWithTLSNeedsNoParameter(t *testing.T) {
	t.Parallel()
	config := &tls.Config{ServerName: "x", MinVersion: tls.VersionTLS12}
	for dsn, addr := range map[string]string{"clickhouse://h/db": "h:9440", "http://h/db": "h:8443", "https://h:1/db": "h:1"} {
		opt, _, err := parseDSN(dsn, &clientOptions{tls: config})
		require.NoError(t, err)
		require.Same(t, config, opt.TLS)
		require.Equal(t, []string{addr}, opt.Addr)
	}
}

func TestParseDSNRefuses(t *testing.T) {
	t.Parallel()
	const pct = "the user or the password contains a character that must be percent-encoded"
	for dsn, want := range map[string]string{
		"native://h/db":                                              "does not begin with one of the schemes",
		"":                                                           "dsn: does not begin with one of the schemes clickhouse://, tcp://, http://, https://",
		"localhost:9000":                                             "does not begin with one of the schemes",
		"embedded:":                                                  "start an engine with package clickhouse/embedded",
		"postgres://u:S3CR3T@h/db":                                   "does not begin with one of the schemes",
		"u:S3CR3T://@h/db":                                           "does not begin with one of the schemes",
		"clickhouse://":                                              "has no host",
		"clickhouse:///db":                                           "has no host",
		"clickhouse://u:S3CR3T@/db":                                  "has no host",
		"clickhouse://u:S3CR3T@h:x/db":                               "port that is not a number",
		"clickhouse://u:S3CR3T@h:0/db":                               "port that is not a number",
		"clickhouse://u:S3CR3T@h:70000/db":                           "port that is not a number",
		"clickhouse://u:S3CR3T@a,,b/db":                              "has no host",
		"clickhouse://u:S3CR3T@[::1/db":                              "has no host, or one that cannot be read",
		"clickhouse://u:%zzS3CR3T@h/db":                              "bad percent escape in the user or the password",
		"clickhouse://u:x/S3CR3T@h/db":                               pct,
		"clickhouse://u:x?S3CR3T@h/db":                               pct,
		"clickhouse://u:x?a=S3CR3T@h/db":                             pct,
		"clickhouse://u:1/S3CR3T@h/db":                               pct,
		"clickhouse://u:x#S3CR3T@h/db":                               "has a # that is not percent-encoded",
		"clickhouse://h/%zz":                                         "bad percent escape in the database name",
		"clickhouse://h/db?a=%zz":                                    "parameters that cannot be read",
		"clickhouse://h/db?secure=S3CR3T":                            "parameter secure takes true or false",
		"clickhouse://h/db?dial_timeout=1":                           "parameter dial_timeout takes a positive duration such as 10s",
		"clickhouse://h/db?read_timeout=-1s":                         "parameter read_timeout takes a positive duration",
		"clickhouse://h/db?max_open_conns=0":                         "parameter max_open_conns takes a positive number",
		"clickhouse://h/db?compress=lzma":                            "parameter compress takes true, false or one of none, lz4",
		"clickhouse://h/db?compress=gzip":                            "parameter compress takes none, lz4, lz4hc or zstd with the native protocol",
		"clickhouse://h/db?connection_open_strategy=x":               "takes in_order, round_robin or random",
		"http://h/db?secure=true":                                    "http with TLS",
		"clickhouse://u:S3CR3T@h/db?max_compression_buffer=S3CR3T":   "max_compression_buffer",
		"http://u:S3CR3T@h/db?http_proxy=http://p:S3CR3T@pr%20oxy:x": "http_proxy",
	} {
		t.Run(dsn, func(t *testing.T) {
			t.Parallel()
			_, err := Open(dsn)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "S3CR3T")
			require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "S3CR3T")
		})
	}
}

func TestRedactDSN(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"clickhouse://u:p@h:9000/db":                    "clickhouse://u:xxxxx@h:9000/db",
		"clickhouse://u:p@h:9000/db?x=1&password=p&y=2": "clickhouse://u:xxxxx@h:9000/db?x=1&password=xxxxx&y=2",
		"clickhouse://u:p@h/db?pass%77ord=p":            "clickhouse://u:xxxxx@h/db?pass%77ord=xxxxx",
		"clickhouse://h:9000/db?x=1":                    "clickhouse://h:9000/db?x=1",
		"clickhouse://u@h/db":                           "clickhouse://u@h/db",
		"clickhouse://h":                                "clickhouse://h",
		"http://u:p@x@h/db?http_proxy=http://a:b":       "http://u:xxxxx@h/db?http_proxy=xxxxx",
		"clickhouse://u:a/b?c#d@h/db":                   "clickhouse://u:xxxxx@h/db",
		"clickhouse://u/secret@h/db":                    "clickhouse://u:xxxxx@h/db",
		"clickhouse://h/db?password=a&b&x=1":            "clickhouse://h/db?password=xxxxx&x=1",
		"http://h/db?password=a&\"\t=b&=c&%22=d&x=1":    "http://h/db?password=xxxxx&x=1",
		"u:p@h":            "xxxxx",
		"u:p://h":          "xxxxx",
		"embedded":         "embedded",
		"embedded:":        "embedded:",
		"embedded:/data/x": "embedded:/data/x",
		"":                 "",
	} {
		require.Equal(t, want, RedactDSN(dsn), dsn)
	}
}

func TestRedactorFindsEveryFormOfTheSecret(t *testing.T) {
	t.Parallel()
	const password = `S3C/R3 T"ü+`
	opt, redact, err := parseDSN("clickhouse://u:"+url.PathEscape(password)+"@h/db", &clientOptions{})
	require.NoError(t, err)
	require.Equal(t, password, opt.Auth.Password)
	for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password), fmt.Sprintf("%q", password), url.UserPassword("u", password).String()} {
		require.NotContains(t, redact.text("before "+form+" after"), "S3C")
	}
}

func TestRedactorLeavesOrdinaryWordsAlone(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"clickhouse://factload:factload@h/db", "clickhouse://u:factload@h/factload", "clickhouse://u:abc@h/db", "clickhouse://h"} {
		_, redact, err := parseDSN(dsn, &clientOptions{})
		require.NoError(t, err)
		require.Equal(t, "abc factload serve", redact.text("abc factload serve"), dsn)
	}
}

// FuzzPasswordIsNeverShown opens DSNs with passwords of any kind, escaped or
// not, and uses those that are accepted on a port where nobody listens.
func FuzzPasswordIsNeverShown(f *testing.F) {
	for _, around := range []string{"", "p", "/", "#", "?", "@", ":", "%", "%zz", "&", "=", "?a=", "?secure=", "1/", "1?", "a,b", "[", "]", " ", "\n", "://", "x@y:", "\x00", "ü", "?password=", "?username="} {
		f.Add(around, "", true)
		f.Add(around, around, false)
	}
	const secret = "S3CR3Tqzx"
	f.Fuzz(func(t *testing.T, before, after string, escape bool) {
		password := before + secret + after
		if escape {
			password = url.PathEscape(password)
		}
		for _, form := range []string{"clickhouse://u:%s@127.0.0.1:1/db", "http://u:%s@127.0.0.1:1/db", "tcp://127.0.0.1:1/db?password=%s", "%s", "clickhouse:u:%s@127.0.0.1"} {
			dsn := strings.Replace(form, "%s", password, 1)
			if form == "%s" && (!strings.ContainsAny(dsn, ":@?") || strings.HasPrefix(dsn, "embedded:")) {
				continue // not a DSN, and nothing tells that it is a secret
			}
			if shown := RedactDSN(dsn); strings.Contains(shown, secret) {
				t.Fatalf("RedactDSN(%q) = %q", dsn, shown)
			}
			c, err := Open(dsn)
			if err == nil {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // some become hosts to look up
				err = c.Ping(ctx)
				cancel()
				require.NotContains(t, c.String(), secret, dsn)
				require.NoError(t, c.Close())
			}
			require.Error(t, err, dsn)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret, dsn)
		}
	})
}

func TestWithCompression(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"none", "lz4", "zstd"} {
		for _, dsn := range []string{"clickhouse://localhost/db?compress=lz4hc", "clickhouse://far.example/db"} {
			c, err := Open(dsn, WithCompression(method))
			require.NoError(t, err)
			require.Equal(t, method, c.opt.Compression.Method.String())
			require.NoError(t, c.Close())
		}
	}
	_, err := Open("clickhouse://localhost/db", WithCompression("lzma"))
	require.ErrorContains(t, err, "compress takes true, false or one of none, lz4")
}
