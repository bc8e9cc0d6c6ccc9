//go:build linux && (amd64 || arm64)

package embedded

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	deadline = time.Minute // of waits that end much earlier if all is well
	tick     = 10 * time.Millisecond
)

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(t *testing.T, s *Server)
	}{
		{"kill", func(t *testing.T, s *Server) { require.NoError(t, s.Kill()) }},
		{"stop", func(t *testing.T, s *Server) { require.NoError(t, s.Stop(t.Context())) }},
		{"running", func(*testing.T, *Server) {}},
		{"crash", func(t *testing.T, s *Server) {
			require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
			<-s.Done()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			query(t, s, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 100")
			const inserts = 20
			for range inserts {
				query(t, s, "INSERT INTO t SELECT number + (SELECT count() FROM t) FROM numbers(1000)")
			}
			query(t, s, "INSERT INTO t SETTINGS insert_deduplication_token = 'once' VALUES (1000000)")
			dsn, httpDSN, pid, done := s.DSN(), s.HTTPDSN(), s.PID(), s.Done()

			test.end(t, s)
			require.NoError(t, s.Restart(t.Context()))
			requireClosed(t, done)
			require.NotEqual(t, pid, s.PID())
			require.Equal(t, dsn, s.DSN())
			require.Equal(t, httpDSN, s.HTTPDSN())
			require.NoError(t, s.Err())
			query(t, s, "INSERT INTO t SETTINGS insert_deduplication_token = 'once' VALUES (1000000)")
			require.Equal(t, "20001\t20001", query(t, s, "SELECT count(), uniqExact(x) FROM t"), "rows and tokens survive")
		})
	}
}

func TestStartAgainOnTheSameDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Config{DataDir: dir})
	query(t, s, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
	query(t, s, "INSERT INTO t VALUES (1)")
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, s.Stop(t.Context()), "a second Stop does nothing")
	require.NoError(t, s.Err())

	again := start(t, Config{DataDir: dir})
	require.NotEqual(t, s.cfg.Password, again.cfg.Password)
	require.Equal(t, "1", query(t, again, "SELECT count() FROM t"))
}

// A client that keeps a connection open must not keep the engine from ending in good order: a forced end loses what
// is in Buffer tables.
func TestStopWithIdleConnections(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	query(t, s, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
	query(t, s, "CREATE TABLE b (x UInt8) ENGINE = Buffer(factload, t, 1, 1000, 1000, 1000, 1000, 1000000, 1000000)")
	query(t, s, "INSERT INTO b VALUES (1)")
	for _, at := range []addr{s.native, s.http} {
		conn, err := net.Dial("tcp", at.String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
	}
	require.NoError(t, s.Restart(t.Context()))
	require.Equal(t, "1", query(t, s, "SELECT count() FROM t"), "the buffer was flushed")
}

func TestStopWaitsForInserts(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	query(t, s, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	inserted := make(chan error)
	go func() {
		_, err := tryQuery(context.WithoutCancel(t.Context()), s, "INSERT INTO t SELECT number + sleepEachRow(0.05) FROM numbers(20) SETTINGS max_block_size = 1")
		inserted <- err
	}()
	waitForQuery(t, s, "Insert")
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, <-inserted)
	require.NoError(t, s.Restart(t.Context()))
	require.Equal(t, "20", query(t, s, "SELECT count() FROM t"))
}

func TestStopCancelsQueries(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	answered := make(chan error)
	go func() {
		_, err := tryQuery(context.WithoutCancel(t.Context()), s, "SELECT count() FROM numbers(1e18) WHERE sleepEachRow(0.1) = 1 SETTINGS max_block_size = 1")
		answered <- err
	}()
	waitForQuery(t, s, "Select")
	require.NoError(t, s.Stop(t.Context()))
	require.ErrorContains(t, <-answered, "QUERY_WAS_CANCELLED")
}

func waitForQuery(t *testing.T, s *Server, kind string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return query(t, s, "SELECT count() FROM system.processes WHERE query_id != queryID() AND query_kind = '"+kind+"'") == "1"
	}, deadline, tick)
}

// An engine that does not react is killed when the context ends.
func TestStopHonoursItsContext(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGSTOP))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := s.Stop(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "killed")
	requireClosed(t, s.Done())
	require.NoError(t, s.Err(), "this end was asked for")
}

func TestStopWaitsItsTurn(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	s.turn <- struct{}{} // as if another Stop was under way
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Stop(ctx), context.Canceled)
	require.ErrorIs(t, s.Restart(ctx), context.Canceled)
	<-s.turn
	require.Equal(t, "1", query(t, s, "SELECT 1"))
}

func TestErrExplainsAnUnexpectedEnd(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			failInTheBackground(t, s)
			require.NoError(t, s.Err())
			// The log is written a little later than the answer.
			require.Eventually(t, func() bool { return len(s.proc.logs[1].lines()) > 0 }, deadline, tick)
			require.NoError(t, syscall.Kill(s.PID(), signal))
			<-s.Done()
			require.ErrorContains(t, s.Err(), "ended by itself: signal: "+signal.String())
			require.ErrorContains(t, s.Err(), "Cannot parse string 'nonsense' as UInt8", "the log's last lines")
			require.NoError(t, s.Stop(t.Context()), "it has stopped")
			require.Error(t, s.Err(), "and still says why")
		})
	}
}

// The child must notice by the pipe alone that the parent is gone: the kernel's signal does not exist everywhere.
func TestChildEndsWhenThePipeCloses(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	require.NoError(t, s.proc.control.Close())
	<-s.Done()
	require.ErrorContains(t, s.Err(), "signal: killed")
}

func TestRestartWhenThePortIsTaken(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	require.NoError(t, s.Kill())
	l, err := net.Listen("tcp", s.http.String())
	require.NoError(t, err)
	err = s.Restart(t.Context())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, "http address "+s.http.String()+" is taken")
	requireClosed(t, s.Done())
	require.NoError(t, l.Close())
	require.NoError(t, s.Restart(t.Context()), "it can be tried again")
}

func requireClosed(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	default:
		require.Fail(t, "the process has not ended")
	}
}
