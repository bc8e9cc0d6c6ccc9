//go:build linux && (amd64 || arm64)

package embedded

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/soak"
)

// join uses the engine of a directory until the test ends.
func join(t *testing.T, dir string) *Use {
	t.Helper()
	u, err := Join(t.Context(), Config{DataDir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, u.Close(context.Background())) })
	return u
}

// Those who join use one engine, which lives until the last of them has left, in whatever order they leave.
func TestJoin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	require.NotNil(t, a.Started())
	require.Nil(t, b.Started())
	require.Equal(t, a.PID(), b.PID())
	require.Equal(t, a.DSN(), b.DSN())
	require.NoError(t, a.Close(t.Context()))
	require.True(t, alive(b.PID()))
	require.NoError(t, answers(t.Context(), b.HTTPDSN()))
	c := join(t, dir)
	require.Equal(t, b.PID(), c.PID())
	require.NoError(t, b.Close(t.Context()))
	require.NoError(t, answers(t.Context(), c.HTTPDSN()))
	_, err := Start(t.Context(), Config{DataDir: dir})
	require.ErrorIs(t, err, ErrInUse)
	require.NoError(t, c.Close(t.Context()))
	require.Eventually(t, func() bool { return !alive(c.PID()) }, deadline, tick)
	d := join(t, dir)
	require.NotEqual(t, a.PID(), d.PID())
}

// An engine that has an owner is joined, and outlives those who do.
func TestJoinAnOwnedEngine(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	u, err := Join(t.Context(), Config{DataDir: s.cfg.DataDir})
	require.NoError(t, err)
	require.Equal(t, s.PID(), u.PID())
	require.NoError(t, u.Close(t.Context()))
	require.Equal(t, "1", query(t, s, "SELECT 1"))
}

// user runs another process that joins, says so, and leaves when its standard input ends.
func user(t *testing.T, dir string) (cmd *exec.Cmd, stdin io.Closer, line string) {
	t.Helper()
	return role(t, "join:"+dir)
}

// The one who has started the engine may be killed: the others do not notice. When the last one is killed, the engine
// ends.
func TestJoinersAreKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _, line := user(t, dir)
	pid := pidOf(t, line)
	second, _, line := user(t, dir)
	require.Equal(t, pid, pidOf(t, line))
	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())
	u := join(t, dir)
	require.Equal(t, pid, u.PID())
	require.NoError(t, u.Close(t.Context()))
	require.True(t, alive(pid))
	require.NoError(t, second.Process.Kill())
	require.Error(t, second.Wait())
	require.Eventually(t, func() bool { return !alive(pid) }, deadline, tick)
}

func pidOf(t *testing.T, line string) int {
	t.Helper()
	text, _, _ := strings.Cut(line, " ")
	pid, err := strconv.Atoi(text)
	require.NoError(t, err, line)
	return pid
}

// Many programs at once on one directory, killed at random: whoever is not killed gets its answer, the data is whole,
// and no engine is left.
func TestJoinSoak(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed := soak.Seed(t)
	u := join(t, dir)
	_, err := ask(u, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	require.NoError(t, err)
	require.NoError(t, u.Close(t.Context()))
	const programs = 20
	var group sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	end := time.Now().Add(time.Duration(soak.Scale(0, 300)) * time.Second)
	for i := range soak.Scale(6, programs) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for n := 0; n < 3 || time.Now().Before(end); n++ {
				x := fmt.Sprint(i*1_000_000 + n)
				killed, out := insertInAnotherProcess(dir, x, random)
				mu.Lock()
				if strings.Contains(out, "stored "+x) {
					acknowledged[x] = true
				} else if !killed {
					t.Errorf("insert %s: %s", x, out)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	u = join(t, dir)
	stored, err := ask(u, "SELECT x FROM t")
	require.NoError(t, err)
	rows := strings.Fields(stored)
	for x := range acknowledged {
		require.Contains(t, rows, x)
	}
	require.NoError(t, u.Close(t.Context()))
	require.Eventually(t, func() bool { return len(enginesOn(dir)) == 0 }, deadline, tick)
	t.Logf("%d rows acknowledged, %d stored", len(acknowledged), len(rows))
}

// insertInAnotherProcess runs a process that joins, inserts and leaves, and kills one in three at some moment.
func insertInAnotherProcess(dir, x string, random *rand.Rand) (killed bool, out string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=insert:"+dir, "X="+x)
	var text strings.Builder
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		return false, err.Error()
	}
	if random.IntN(3) == 0 {
		killed = true
		timer := time.AfterFunc(time.Duration(random.IntN(2000))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	_ = cmd.Wait() // the output says more
	return killed, text.String()
}

// ask runs a statement by a use of an engine.
func ask(u *Use, sql string) (string, error) {
	at, who, err := ofDSN(u.HTTPDSN())
	if err != nil {
		return "", err
	}
	return askHTTP(context.Background(), at, who, "factload", sql)
}

// insertOnce is the life of a process that insertInAnotherProcess runs.
func insertOnce(dir string) {
	u, err := Join(context.Background(), Config{DataDir: dir})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "join:", err)
		return
	}
	x := os.Getenv("X")
	if _, err = ask(u, "INSERT INTO t VALUES ("+x+")"); err == nil {
		_, _ = fmt.Fprintln(os.Stdout, "stored", x)
	} else {
		_, _ = fmt.Fprintln(os.Stdout, "insert:", err)
	}
	if err := u.Close(context.Background()); err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "close:", err)
	}
}

// enginesOn returns the engine processes whose working directory is dir.
func enginesOn(dir string) []string {
	var found []string
	processes, _ := os.ReadDir("/proc")
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || !alive(pid) {
			continue
		}
		if at, err := os.Readlink("/proc/" + p.Name() + "/cwd"); err == nil && at == dir {
			found = append(found, p.Name())
		}
	}
	return found
}

// joinUntilEOF is the life of a process that user runs.
func joinUntilEOF(dir string) {
	u, err := Join(context.Background(), Config{DataDir: dir})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "error:", err)
		return
	}
	_, _ = fmt.Fprintln(os.Stdout, u.PID(), u.HTTPDSN())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	_ = u.Close(context.Background())
}
