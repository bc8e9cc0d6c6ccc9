//go:build linux && (amd64 || arm64)

package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded/internal/harden"
)

func TestStartWithFixedPorts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	taken := l.Addr().String()
	_, err = Start(t.Context(), Config{DataDir: t.TempDir(), Native: taken})
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, "native address "+taken+" is taken by another program: choose another port")
	_, err = Start(t.Context(), Config{DataDir: t.TempDir(), HTTP: taken})
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, "http address "+taken)

	require.NoError(t, l.Close())

	// A port that is free now may be taken by a neighbour before the engine
	// listens: then another one is tried.
	var s *Server
	for range 10 {
		fixed := freeAddr(t)
		s, err = Start(t.Context(), Config{DataDir: t.TempDir(), HTTP: fixed})
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Stop(context.WithoutCancel(t.Context()))) })
		require.Equal(t, fixed, s.http.String())
		require.Contains(t, s.HTTPDSN(), "@"+fixed+"/")
		break
	}
	require.NoError(t, err)
	require.Equal(t, "1", query(t, s, "SELECT 1"))
}

// Whoever reaches a port finds the database and is let in, at the first start and at every other.
func TestListensWhenItIsWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 3 {
		cfg := Config{DataDir: dir, Native: freeAddr(t), HTTP: freeAddr(t), Password: "pw"}
		at, err := parseAddr("native", cfg.Native)
		require.NoError(t, err)
		first := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for ctx.Err() == nil {
				err := greetNative(ctx, at, account{"factload", "pw"}, "factload")
				// Start looks whether the port is free, which may reset a connection.
				if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ECONNRESET) {
					first <- err
					return
				}
			}
			first <- ctx.Err()
		}()
		s, err := Start(t.Context(), cfg)
		if errors.Is(err, syscall.EADDRINUSE) { // a neighbour took the port
			cancel()
			<-first
			continue
		}
		require.NoError(t, err)
		require.NoError(t, <-first)
		cancel()
		query(t, s, "CREATE TABLE IF NOT EXISTS t (x UInt8) ENGINE = MergeTree ORDER BY x")
		require.NoError(t, s.Stop(t.Context()))
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// A port can be taken after Start has looked and before the engine listens. Then the engine's own words are the error.
func TestStartWhenTheEngineCannotListen(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg, err := Config{DataDir: t.TempDir()}.resolve()
	require.NoError(t, err)
	library, err := FindLibrary("")
	require.NoError(t, err)
	s := &Server{cfg: cfg, library: library, files: layout{cfg.DataDir}}
	s.native = addr{"127.0.0.1", 0}
	s.http = addr{"127.0.0.1", uint16(l.Addr().(*net.TCPAddr).Port)}
	require.NoError(t, s.files.prepare(""))
	require.NoError(t, s.settings().write())
	lock, err := lockDir(t.Context(), s.files)
	require.NoError(t, err)
	p, err := spawn(order{library: s.library, files: s.files, sandbox: newSandbox(s.files, cfg), lock: lock, logger: cfg.Logger})
	require.NoError(t, err)
	err = s.ready(t.Context(), p)
	require.ErrorContains(t, err, "ended by itself")
	require.ErrorContains(t, err, "Address already in use")
	require.ErrorContains(t, err, l.Addr().String())
}

func TestStartListensElsewhere(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Native: "0.0.0.0:0", HTTP: "0.0.0.0:0"})
	require.Equal(t, "1", query(t, s, "SELECT 1"))
	require.Contains(t, s.DSN(), "@127.0.0.1:", "the DSN is for this machine")
	for _, host := range localAddresses(t) {
		answer, err := askHTTP(t.Context(), addr{host, s.http.port}, s.account(), "", "SELECT 1")
		require.NoError(t, err, host)
		require.Equal(t, "1\n", answer)
		require.NoError(t, greetNative(t.Context(), addr{host, s.native.port}, s.account(), "factload"))
	}
}

func TestStartWithAWrongLibrary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "libchdb.so")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("not a library\n", 1000)), 0o600))
	tests := []struct{ name, library, want string }{
		{"no library", text, "invalid ELF header"},
		{"another library", cLibrary(t), "has no function query_stable_v2"},
	}
	for _, test := range tests {
		data := t.TempDir()
		_, err := Start(t.Context(), Config{DataDir: data, Library: test.library})
		require.ErrorContains(t, err, "start engine: load library", test.name)
		require.ErrorContains(t, err, test.library, test.name)
		require.ErrorContains(t, err, test.want, test.name)
		start(t, Config{DataDir: data}) // the lock is free again
	}
}

func TestHardenRefusesOtherLibraries(t *testing.T) {
	t.Parallel()
	require.Error(t, harden.Library(cLibrary(t), runSymbol, 0))
	require.Error(t, harden.Library("/nowhere", runSymbol, 0))
}

// cLibrary returns the path of the C library that this process has loaded, or else of any.
func cLibrary(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/lib/*/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	require.Fail(t, "no C library")
	return ""
}

func TestStartWithABadDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	broken := filepath.Join(dir, "broken")
	require.NoError(t, os.MkdirAll(broken, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(broken, "data"), nil, 0o600))
	tests := []struct{ name, dir, want string }{
		{"none", "", "data directory is empty"},
		{"a file", file, "choose a path that is a directory"},
		{"below a file", filepath.Join(file, "x"), "choose a path that is a directory"},
		{"a file in it", broken, "choose a path that is a directory"},
		{"not writable", unwritable(t), "choose a directory that this user may write"},
	}
	for _, test := range tests {
		_, err := Start(t.Context(), Config{DataDir: test.dir})
		require.ErrorContains(t, err, test.want, test.name)
		require.ErrorContains(t, err, test.dir, test.name)
	}
}

// unwritable returns a directory that cannot be written, even by root.
func unwritable(t *testing.T) string {
	t.Helper()
	if os.Geteuid() == 0 {
		return "/sys/factload"
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	return dir
}

// The error holds the engine's own words when it does not come up.
func TestStartOnBrokenData(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, os.WriteFile(filepath.Join(s.files.data(), "metadata", "broken.sql"), []byte("ATTACH NONSENSE"), 0o600))
	err := s.Restart(t.Context())
	require.ErrorContains(t, err, "start engine: ")
	require.ErrorContains(t, err, "Syntax error")
	require.ErrorContains(t, err, "NONSENSE")
	requireClosed(t, s.Done())

	require.NoError(t, os.Remove(filepath.Join(s.files.data(), "metadata", "broken.sql")))
	require.NoError(t, s.Restart(t.Context()))
}

func TestStartHonoursItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := Start(ctx, Config{DataDir: dir})
	require.ErrorIs(t, err, cause)

	_, err = Start(t.Context(), Config{DataDir: dir, StartTimeout: 20 * time.Millisecond})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "not ready after 20ms")
	start(t, Config{DataDir: dir}) // no process has been left behind on the directory
}

// Whoever sets the private mark by hand must neither get an engine nor the program.
func TestTheMarkIsPrivate(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"", "1", "0:x", "PARENT:", "PARENT:guess"} {
		mark = strings.ReplaceAll(mark, "PARENT", itoa(os.Getpid()))
		cmd := exec.Command(os.Args[0], "-test.run=TestConfig")
		cmd.Env = append(os.Environ(), childEnv+"="+mark)
		var out, errOut strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errOut
		err := cmd.Run()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, mark)
		require.Equal(t, 1, exit.ExitCode(), mark)
		require.Contains(t, errOut.String(), "embedded engine: ", mark)
		require.Empty(t, out.String(), "main must not run")
	}
}

// An order on the pipe that does not repeat the mark's nonce is not obeyed.
func TestTheOrderMustFitTheMark(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+itoa(os.Getpid())+":right")
	cmd.ExtraFiles = []*os.File{r}
	var errOut strings.Builder
	cmd.Stderr = &errOut
	require.NoError(t, cmd.Start())
	require.NoError(t, r.Close())
	_, err = w.WriteString(`{"nonce":"wrong","library":"/nowhere"}` + "\n")
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.NoError(t, w.Close())
	require.Contains(t, errOut.String(), "is private")
}
