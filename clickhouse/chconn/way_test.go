package chconn_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/internal/enginetest"
)

// useAll reads, inserts and asks for a format.
func useAll(t *testing.T, dsn string) error {
	t.Helper()
	client, err := chconn.Open(dsn)
	require.NoError(t, err)
	defer client.Close()
	if err := client.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS t (n UInt32) ENGINE = MergeTree ORDER BY n"); err != nil {
		return err
	}
	if err := insert.New(client).Insert(t.Context(), insert.Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":7}`)}); err != nil {
		return err
	}
	var answer strings.Builder
	if err := client.QueryFormat(t.Context(), &answer, "TSV", "SELECT sum(n) FROM t"); err != nil {
		return err
	}
	require.Equal(t, "7\n", answer.String())
	return nil
}

// A server behind a path of a proxy that takes TLS, and whose users show a token that the
// proxy changes for a password.
func TestPathAndToken(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	engine, err := url.Parse(db.HTTPDSN)
	require.NoError(t, err)
	password, _ := engine.User.Password()
	authority := chtest.NewAuthority(t)
	var refused atomic.Int64
	front := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", engine.Host
		r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/way/to/clickhouse")
		r.Out.Header.Del("Authorization")
		r.Out.SetBasicAuth(engine.User.Username(), password)
	}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0ken.of.2026" || !strings.HasPrefix(r.URL.Path, "/way/to/clickhouse") {
			refused.Add(1)
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		front.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1", time.Hour).Certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "jwt")
	write := func(token string) { require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600)) }
	write("t0ken.of.2026")
	query := url.Values{"ca_cert": {authority.File}, "token_file": {file}, "http_path": {"way/to/clickhouse"}}
	dsn := "https://" + server.Listener.Addr().String() + "/" + db.Name + "?" + query.Encode()
	require.NoError(t, useAll(t, dsn))
	require.Zero(t, refused.Load())

	write("t0ken.of.1999")
	err = useAll(t, dsn)
	require.ErrorContains(t, err, "403")
	require.NotContains(t, err.Error(), "t0ken")

	_, err = chconn.Open(strings.Replace(dsn, "https://", "https://u:p@", 1))
	require.ErrorContains(t, err, "token_file stands for user and password")
	_, err = chconn.Open("clickhouse://h/db?token_file=" + url.QueryEscape(file))
	require.ErrorContains(t, err, "token_file needs TLS")
	_, err = chconn.Open("clickhouse://h/db?secure=true&token_file=t0ken.of.2026")
	require.ErrorContains(t, err, "parameter token_file: no such file")
	require.NotContains(t, err.Error(), "t0ken")
}

// Over the native protocol a token goes where ClickHouse looks for one. The engine of the
// tests knows no tokens, and says so.
func TestTokenOverNative(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	authority := chtest.NewAuthority(t)
	_, through := chtest.NewProxy(t, db.DSN, &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1", time.Hour).Certificate}, MinVersion: tls.VersionTLS12})
	file := filepath.Join(t.TempDir(), "jwt")
	require.NoError(t, os.WriteFile(file, []byte("t0ken"), 0o600))
	dsn := chtest.WithDSN(t, through, func(u *url.URL) {
		u.User = nil
		u.RawQuery = url.Values{"ca_cert": {authority.File}, "token_file": {file}}.Encode()
	})
	err := useAll(t, dsn)
	require.ErrorContains(t, err, "refuses the token of token_file")
	require.NotContains(t, err.Error(), "t0ken")
}

// A proxy of the network, which asks for a password of its own.
func TestHTTPProxy(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	var passed atomic.Int64
	forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") == "" || !r.URL.IsAbs() {
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		passed.Add(1)
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	_, port, err := net.SplitHostPort(proxy.Listener.Addr().String())
	require.NoError(t, err)
	through := func(user string) string {
		return chtest.WithDSN(t, db.HTTPDSN, func(u *url.URL) {
			u.RawQuery = url.Values{"http_proxy": {"http://" + user + "127.0.0.1:" + port}}.Encode()
		})
	}
	require.NoError(t, useAll(t, through("p:s3cret@")))
	require.Positive(t, passed.Load())
	require.ErrorContains(t, useAll(t, through("")), "407")
}
