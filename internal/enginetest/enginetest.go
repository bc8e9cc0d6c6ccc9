package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/factload/factload/clickhouse/embedded"
)

// The environment variables that choose another engine; see the package comment.
const (
	DSNEnv     = "FACTLOAD_TEST_DSN"
	HTTPDSNEnv = "FACTLOAD_TEST_HTTP_DSN"
)

const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 2 * time.Minute
)

// engine is what tests run against.
type engine struct {
	dsn, httpDSN string // of any database
	stop         func() error
}

// shared is the one engine of this test binary.
var shared struct {
	sync.Mutex
	inMain bool // Main runs the tests, and will stop the engine
	users  int  // databases; without Main, the last one stops the engine
	*engine
	err error // of the start; tried once
}

// Main runs the tests of a package, stops the engine they have used, and exits. Call it from TestMain. Without it,
// the engine is started anew whenever none of its databases was in use.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for a TestMain that has more to end. It returns the code to exit with.
func Run(m *testing.M) int {
	shared.Lock()
	shared.inMain = true
	shared.Unlock()
	code := m.Run()
	if err := stopUnused(); err != nil {
		fmt.Fprintln(os.Stderr, "enginetest:", err)
		code = max(code, 1)
	}
	return code
}

func stopUnused() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.engine == nil || shared.users > 0 && !shared.inMain {
		return nil
	}
	err := shared.stop()
	shared.engine = nil
	return err
}

// use returns the shared engine, which it starts if it does not run. Call release once for each call that has
// returned one.
func use() (*engine, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.engine == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		shared.engine, shared.err = start(ctx)
	}
	if shared.err == nil {
		shared.users++
	}
	return shared.engine, shared.err
}

func release() error {
	shared.Lock()
	shared.users--
	last := shared.users == 0 && !shared.inMain
	shared.Unlock()
	if !last {
		return nil
	}
	return stopUnused()
}

// isExternal reports whether the environment names a server that runs already.
func isExternal() bool { return os.Getenv(DSNEnv) != "" }

func start(ctx context.Context) (*engine, error) {
	if !isExternal() {
		return startEmbedded(ctx)
	}
	httpDSN := os.Getenv(HTTPDSNEnv)
	if httpDSN == "" {
		return nil, fmt.Errorf("%s is set, so %s must be set as well: the same server over HTTP", DSNEnv, HTTPDSNEnv)
	}
	return &engine{dsn: os.Getenv(DSNEnv), httpDSN: httpDSN, stop: func() error { return nil }}, nil
}

// startEmbedded starts an embedded engine in a temporary directory.
func startEmbedded(ctx context.Context) (*engine, error) {
	dir, err := os.MkdirTemp("", "factload-test-")
	if err != nil {
		return nil, err
	}
	server, err := embedded.Start(ctx, embedded.Config{DataDir: dir})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := func() error {
		died := server.Err()
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		return errors.Join(died, server.Stop(ctx), os.RemoveAll(dir))
	}
	return &engine{dsn: server.DSN(), httpDSN: server.HTTPDSN(), stop: stop}, nil
}

// Start returns an embedded engine that is the test's own, to be killed and restarted. Fields of cfg that are empty
// get defaults; DataDir is a temporary directory by default. The engine is stopped when the test ends. When a server
// that runs already is to be tested, the test is skipped.
func Start(t testing.TB, cfg embedded.Config) *embedded.Server {
	t.Helper()
	if isExternal() {
		t.Skipf("the test needs an embedded engine of its own, and %s asks for another", DSNEnv)
	}
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	server, err := embedded.Start(ctx, cfg)
	if err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Errorf("enginetest: %v", err)
		}
	})
	return server
}
