//go:build linux && (amd64 || arm64)

package embedded

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	require.Equal(t, "factload\tfactload\tUTC", query(t, s, "SELECT currentUser(), currentDatabase(), timezone()"))
	require.Equal(t, "Atomic", query(t, s, "SELECT engine FROM system.databases WHERE name = 'factload'"))
	require.Eventually(t, func() bool { return query(t, s, "SELECT count() FROM system.processes") == "1" },
		deadline, tick, "the engine's own session runs no query")
	require.NoError(t, greetNative(t.Context(), s.native, s.account(), "factload"))
	for _, page := range []string{"/ping", "/play", "/dashboard"} {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + s.http.String() + page)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, page)
	}
}

// What a table needs besides inserts: merges, mutations, deletes, TTL.
func TestServerWorksInTheBackground(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	query(t, s, "CREATE TABLE t (x UInt64, d DateTime DEFAULT now(), s String) ENGINE = MergeTree ORDER BY x TTL d + INTERVAL 1 DAY")
	for range 30 {
		query(t, s, "INSERT INTO t (x, s) SELECT number, 'a' FROM numbers(100)")
	}
	require.Eventually(t, func() bool {
		return query(t, s, "SELECT count() < 10 FROM system.parts WHERE table = 't' AND active") == "1"
	}, deadline, tick, "parts are merged")
	query(t, s, "ALTER TABLE t UPDATE s = 'b' WHERE x < 50 SETTINGS mutations_sync = 1")
	query(t, s, "DELETE FROM t WHERE x >= 90")
	require.Equal(t, "a\t1200\nb\t1500", query(t, s, "SELECT s, count() FROM t GROUP BY s ORDER BY s"))
	query(t, s, "INSERT INTO t (x, d) VALUES (1000, '2000-01-01 00:00:00')")
	query(t, s, "OPTIMIZE TABLE t FINAL")
	require.Equal(t, "0", query(t, s, "SELECT count() FROM t WHERE x = 1000"), "TTL")
}

func TestDSN(t *testing.T) {
	t.Parallel()
	cfg := Config{User: "an_Analyst", Password: "p@ss/w:rd?#%&\"<'> ü", Database: "my db/ü`x\\y?#"}
	s := start(t, cfg)
	for _, test := range []struct{ dsn, scheme, host string }{
		{s.DSN(), "clickhouse", s.native.String()},
		{s.HTTPDSN(), "http", s.http.String()},
	} {
		u, err := url.Parse(test.dsn)
		require.NoError(t, err)
		require.Equal(t, test.scheme, u.Scheme)
		require.Equal(t, test.host, u.Host)
		require.Equal(t, "an_Analyst", u.User.Username())
		password, _ := u.User.Password()
		require.Equal(t, cfg.Password, password)
		require.Equal(t, cfg.Database, strings.TrimPrefix(u.Path, "/"))
	}
	require.NoError(t, greetNative(t.Context(), s.native, s.account(), cfg.Database))
	require.Equal(t, cfg.User, query(t, s, "SELECT currentUser()"))
	require.Equal(t, "1", query(t, s, "SELECT currentDatabase() = unhex('"+hexOf(cfg.Database)+"')"))
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "da ta&<'\"é>")
	s := start(t, Config{DataDir: dir})
	require.GreaterOrEqual(t, len(s.cfg.Password), 32)
	require.Equal(t, os.FileMode(0o700), modeOf(t, dir))

	run, err := os.ReadDir(filepath.Join(dir, "run"))
	require.NoError(t, err)
	require.NotEmpty(t, run)
	require.Equal(t, os.FileMode(0o700), modeOf(t, filepath.Join(dir, "run")))
	for _, entry := range run {
		path := filepath.Join(dir, "run", entry.Name())
		require.Equal(t, os.FileMode(0o600), modeOf(t, path), path)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if entry.Name() == "dsn" {
			require.Equal(t, s.DSN()+"\n"+s.HTTPDSN()+"\n", string(text))
			continue
		}
		require.NotContains(t, string(text), s.cfg.Password, path)
	}
	require.Equal(t, filepath.Join(dir, "run", "dsn"), s.DSNFile())
	require.NoError(t, s.Stop(t.Context()))
	require.NoFileExists(t, s.DSNFile(), "no engine, no DSN")
}

// Nothing that the engine logs or leaves behind holds the password, not even after logins that fail.
func TestPasswordIsNotLogged(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Password: "Xyzzy-12345-secret"})
	_, err := tryQuery(t.Context(), s, "SELECT sesame")
	require.Error(t, err)
	failInTheBackground(t, s)
	_, err = askHTTP(t.Context(), s.http, account{"factload", "Xyzzy-12345-secret-wrong"}, "", "SELECT 1")
	require.Error(t, err)
	require.NoError(t, s.Stop(t.Context()))
	log, err := os.ReadFile(s.files.engineLog())
	require.NoError(t, err)
	require.Contains(t, string(log), "nonsense", "the log works")
	require.NotContains(t, string(log), "Xyzzy")
	require.NotContains(t, string(log), "sesame")
}

// failInTheBackground makes the engine log an error with the word nonsense, a little later.
func failInTheBackground(t *testing.T, s *Server) {
	t.Helper()
	query(t, s, "CREATE TABLE word (w String) ENGINE = MergeTree ORDER BY tuple() AS SELECT 'nonsense' AS w")
	_, err := tryQuery(t.Context(), s, "ALTER TABLE word UPDATE w = toString(toUInt8(w)) WHERE true SETTINGS mutations_sync = 1")
	require.Error(t, err)
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	s := start(t, Config{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	require.Contains(t, out.String(), "engine started")
	require.Contains(t, out.String(), s.http.String())
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
	<-s.Done()
	require.Contains(t, out.String(), "level=ERROR msg=\"engine ended by itself\"")
	require.NoError(t, s.Restart(t.Context()))
	require.NoError(t, s.Stop(t.Context()))
	require.Contains(t, out.String(), "level=INFO msg=\"engine ended\" pid="+itoa(s.PID()))
	require.NotContains(t, out.String(), s.cfg.Password)
}

// syncBuffer is a buffer that several goroutines may use.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestProcessName(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	name, err := os.ReadFile("/proc/" + itoa(s.PID()) + "/comm")
	require.NoError(t, err)
	require.Equal(t, childName+"\n", string(name))
}

// An engine must not see the secrets of a service's environment.
func TestEnvironment(t *testing.T) {
	t.Setenv("SOME_API_KEY", "secret")
	s := start(t, Config{})
	environ, err := os.ReadFile("/proc/" + itoa(s.PID()) + "/environ")
	require.NoError(t, err)
	require.Contains(t, string(environ), "TZ=UTC")
	require.NotContains(t, string(environ), "SOME_API_KEY")
	require.NotContains(t, string(environ), s.cfg.Password)
}

func TestStartFromAThreadThatEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	type result struct {
		*Server
		error
	}
	started := make(chan result)
	go func() {
		lockThread() // and never unlock: the thread ends with the goroutine
		s, err := Start(t.Context(), Config{DataDir: dir})
		started <- result{s, err}
	}()
	r := <-started
	require.NoError(t, r.error)
	t.Cleanup(func() { require.NoError(t, r.Stop(context.Background())) })
	for range 20 { // the thread's end is not something that can be waited for
		require.Equal(t, "1", query(t, r.Server, "SELECT 1"))
	}
	require.NoError(t, r.Err())
	require.NoError(t, r.Stop(t.Context()))
}

func TestTwoDirectoriesAtOnce(t *testing.T) {
	t.Parallel()
	a, b := start(t, Config{}), start(t, Config{Remote: true})
	query(t, a, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
	require.Equal(t, "0", query(t, b, "SELECT count() FROM system.tables WHERE name = 't'"))
	remote := "SELECT count() FROM remote('" + a.native.String() + "', 'factload', 't', 'factload', '" + a.cfg.Password + "')"
	require.Equal(t, "0", query(t, b, remote), "engines can read from each other, if they may")
	_, err := tryQuery(t.Context(), a, strings.ReplaceAll(remote, a.native.String(), b.native.String()))
	require.ErrorContains(t, err, "ACCESS_DENIED")
}
