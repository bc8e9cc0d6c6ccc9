//go:build linux && (amd64 || arm64)

package embedded

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// roleEnv makes the test binary another program: tests of what happens between processes need some.
const roleEnv = "FACTLOAD_EMBEDDED_TEST_ROLE"

func TestMain(m *testing.M) {
	role, dir, _ := strings.Cut(os.Getenv(roleEnv), ":")
	switch role {
	case "":
		goleak.VerifyTestMain(m)
	case "serve": // starts an engine, says so, and runs until its standard input ends
		server, err := Start(context.Background(), Config{DataDir: dir})
		if err != nil {
			_, _ = fmt.Fprintln(os.Stdout, "error:", err)
			return
		}
		_, _ = fmt.Fprintln(os.Stdout, server.PID(), server.HTTPDSN())
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "join":
		joinUntilEOF(dir)
	case "insert":
		insertOnce(dir)
	}
}

// serve runs another process that starts an engine on dir. See role.
func serve(t *testing.T, dir string) (cmd *exec.Cmd, stdin io.Closer, line string) {
	t.Helper()
	return role(t, "serve:"+dir)
}

// role runs another process that uses an engine, and returns it with the first line it prints. It ends when its standard
// input is closed, or with the test.
func role(t *testing.T, what string) (cmd *exec.Cmd, stdin io.Closer, line string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+what)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err = firstLine(stdout)
	require.NoError(t, err)
	return cmd, input, line
}

func firstLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, b); err != nil {
			return string(line), err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
}

// start starts an engine that is stopped when the test ends.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	s, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

// query runs a statement as the engine's user, in its database.
func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	answer, err := tryQuery(t.Context(), s, sql)
	require.NoError(t, err, sql)
	return answer
}

func tryQuery(ctx context.Context, s *Server, sql string) (string, error) {
	answer, err := askHTTP(ctx, s.http, s.account(), s.cfg.Database, sql)
	return strings.TrimSuffix(answer, "\n"), err
}
