package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
)

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// restarts is a serve that is stopped and killed, and started again on the same ports.
type restarts struct {
	*commandLine
	args  []string
	serve *process
	dsn   string // stays right
}

func serveToRestart(t *testing.T) *restarts {
	t.Helper()
	r := &restarts{commandLine: newCommandLine(t)}
	r.args = []string{"serve", "--data", "d", "--native", freeAddress(t), "--http", freeAddress(t)}
	r.start(t)
	return r
}

func (r *restarts) start(t *testing.T) {
	t.Helper()
	r.serve = r.commandLine.start(t, r.args...)
	require.Eventually(t, func() bool {
		select {
		case <-r.serve.done:
			require.FailNow(t, "serve has ended", "%s", &r.serve.err)
		default:
		}
		if r.dsn == "" {
			text, err := os.ReadFile(filepath.Join(r.dir, "d/run/dsn"))
			if err != nil {
				return false
			}
			r.dsn, _, _ = strings.Cut(string(text), "\n")
		}
		client, err := clickhouse.Open(r.dsn)
		require.NoError(t, err)
		defer client.Close()
		return client.Ping(t.Context()) == nil
	}, 2*time.Minute, 20*time.Millisecond)
}

func (r *restarts) stop(t *testing.T, how syscall.Signal) {
	t.Helper()
	require.NoError(t, r.serve.cmd.Process.Signal(how))
	<-r.serve.done
	if how != syscall.SIGKILL {
		require.Zero(t, r.serve.cmd.ProcessState.ExitCode(), "%s", &r.serve.err)
	}
}

// TestSoakServeRestarted restarts serve under loads and under Record: none of them fails, and no
// row is lost or doubled.
func TestSoakServeRestarted(t *testing.T) {
	t.Parallel()
	r := serveToRestart(t)
	random := rand.New(rand.NewPCG(soak.Seed(t), 0))
	var stopping atomic.Bool
	var wg sync.WaitGroup
	defer func() { stopping.Store(true); wg.Wait() }() // if the test fails

	recorded := make([]int, 8) // by each goroutine
	m, err := clickhouse.New(clickhouse.Config{DSN: r.dsn})
	require.NoError(t, err)
	answers := fact.Schema{Name: "answer", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.UInt32}}, OrderBy: []string{"id"}}
	pipeline := fact.NewPipeline(fact.WithMaterializer(m))
	require.NoError(t, pipeline.EnsureSchemas(t.Context(), answers))
	for i := range recorded {
		wg.Go(func() {
			for ; !stopping.Load() && !t.Failed(); recorded[i]++ {
				f := fact.Fact{Schema: "answer", ID: fmt.Sprintf("%d-%d", i, recorded[i]), Data: map[string]any{"n": recorded[i]}}
				if err := pipeline.Record(t.Context(), f); err != nil {
					t.Errorf("record: %v", err)
				}
			}
		})
	}
	const rows = 2000
	loads := 0
	wg.Go(func() {
		for ; !stopping.Load() && !t.Failed(); loads++ {
			name := fmt.Sprintf("%d.jsonl", loads)
			if err := r.messages(t.Context(), name, rows, uint64(loads)); err != nil {
				t.Error(err)
			}
			for code := cli.ExitFailed; code != cli.ExitOK && !t.Failed(); {
				p := r.commandLine.start(t, "load", "--dsn", r.dsn, "--schema", "message", "--chunk-bytes", "64KiB", name)
				<-p.done
				code = p.cmd.ProcessState.ExitCode()
				// A load that begins while serve is down says so at once, and does not wait.
				if down := strings.Contains(p.err.String(), "connection refused"); code != cli.ExitOK && (!down || p.out.Len() > 0) {
					t.Errorf("load %d ended with %d: %s", loads, code, &p.err)
				}
			}
		}
	})
	for range soak.Trials(t, 1, 20) {
		timer := time.NewTimer(time.Duration(random.Int64N(int64(2 * time.Second))))
		<-timer.C
		r.stop(t, []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}[random.IntN(3)])
		r.start(t)
	}
	stopping.Store(true)
	wg.Wait()
	require.False(t, t.Failed())
	require.NoError(t, m.Close(context.WithoutCancel(t.Context())))

	want := 0
	for _, n := range recorded {
		want += n
	}
	t.Logf("recorded %d facts and loaded %d files of %d rows", want, loads, rows)
	require.Equal(t, fmt.Sprintf("%d\t%d", want, want), r.run(t, "query", "--dsn", r.dsn, "--format", "TSV", "SELECT count(), uniqExact(id) FROM answer"))
	require.Equal(t, fmt.Sprintf("%d\t%d", loads*rows, loads*rows), r.run(t, "query", "--dsn", r.dsn, "--format", "TSV", "SELECT count(), uniqExact(id) FROM message"))
	r.stop(t, syscall.SIGINT)
	r.noEngine(t, "d")
}
