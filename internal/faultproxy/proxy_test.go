package faultproxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that answers each line with "got " and the line.
type echo struct {
	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex
	seen     strings.Builder // all bytes that arrived
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	e := &echo{listener: listener}
	e.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			e.wg.Go(func() { e.serve(conn) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		e.wg.Wait()
	})
	return e
}

func (e *echo) serve(conn net.Conn) {
	defer conn.Close()
	buf, line := make([]byte, 4096), ""
	for {
		n, err := conn.Read(buf)
		e.mu.Lock()
		e.seen.Write(buf[:n])
		e.mu.Unlock()
		line += string(buf[:n])
		for {
			done, rest, ok := strings.Cut(line, "\n")
			if !ok {
				break
			}
			line = rest
			if _, err := fmt.Fprintf(conn, "got %s\n", done); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// receives waits until all that was sent has arrived, and checks that it is want.
func (e *echo) receives(t *testing.T, want string) {
	t.Helper()
	received := func() string {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.seen.String()
	}
	require.Eventually(t, func() bool { return len(received()) >= len(want) }, time.Minute, time.Millisecond)
	require.Equal(t, want, received())
}

// start starts a proxy to the echo and returns a connection through it.
func start(t *testing.T, target string, planner Planner) (*Proxy, *client) {
	t.Helper()
	p, err := Start(target, planner)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p, dial(t, p)
}

// client asks line by line.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, p *Proxy) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	return &client{conn, bufio.NewReader(conn)}
}

func (c *client) ask(line string) (answer string, err error) {
	if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
		return "", err
	}
	return c.in.ReadString('\n')
}

func TestPass(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	p, c := start(t, e.listener.Addr().String(), Healthy())
	for i := range 5 {
		got, err := c.ask(fmt.Sprint("line ", i))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("got line %d\n", i), got)
	}
	require.Empty(t, p.Happened())
	require.Equal(t, 1, p.Accepted())
}

// Each kind breaks the third line, and the first two pass.
func TestCuts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		plan     Plan
		answer   string // what the client sees of the third
		received string // what the server sees of the third
	}{
		{Plan{Kind: CutBeforeSend, Turn: 3}, "", ""},
		{Plan{Kind: CutMidway, Turn: 3, Bytes: 2}, "", "th"},
		{Plan{Kind: CutMidway, Turn: 3}, "", ""},
		{Plan{Kind: CutAnswer, Turn: 3}, "", "third\n"},
		{Plan{Kind: CutMidAnswer, Turn: 3, Bytes: 5}, "got t", "third\n"},
		{Plan{Kind: CutMidAnswer, Turn: 3, Bytes: 5, Reset: true}, "", "third\n"}, // the reset may overtake the bytes
	} {
		t.Run(fmt.Sprintf("%v/%d/%t", tc.plan.Kind, tc.plan.Bytes, tc.plan.Reset), func(t *testing.T) {
			t.Parallel()
			e := newEcho(t)
			p, c := start(t, e.listener.Addr().String(), Always(tc.plan))
			for _, line := range []string{"first", "second"} {
				got, err := c.ask(line)
				require.NoError(t, err)
				require.Equal(t, "got "+line+"\n", got)
			}
			require.Empty(t, p.Happened())
			got, err := c.ask("third")
			require.Error(t, err)
			if !tc.plan.Reset {
				require.ErrorIs(t, err, io.EOF)
				require.Equal(t, tc.answer, got)
			}
			require.Equal(t, map[Kind]int{tc.plan.Kind: 1}, p.Happened())
			e.receives(t, "first\nsecond\n"+tc.received)
		})
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	p, c := start(t, e.listener.Addr().String(), Always(Plan{Kind: Refuse}))
	_, err := c.ask("x")
	require.Error(t, err)
	require.Equal(t, map[Kind]int{Refuse: 1}, p.Happened())
	p.SetPlan(Healthy())
	got, err := dial(t, p).ask("y")
	require.NoError(t, err)
	require.Equal(t, "got y\n", got)
	e.receives(t, "y\n")
}

// What is swallowed leaves the connection open.
func TestSwallow(t *testing.T) {
	t.Parallel()
	for kind, received := range map[Kind]string{Blackhole: "first\n", SwallowAnswer: "first\nsecond\n"} {
		e := newEcho(t)
		p, c := start(t, e.listener.Addr().String(), Always(Plan{Kind: kind, Turn: 2}))
		_, err := c.ask("first")
		require.NoError(t, err)
		require.NoError(t, c.conn.SetDeadline(time.Now().Add(200*time.Millisecond)))
		_, err = c.ask("second")
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout(), "%v: %v", kind, err)
		e.receives(t, received)
		require.Equal(t, map[Kind]int{kind: 1}, p.Happened())
		require.NoError(t, c.conn.SetDeadline(time.Now().Add(10*time.Second)))
		p.CutAll()
		_, err = c.in.ReadByte()
		require.ErrorIs(t, err, io.EOF)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	p, c := start(t, e.listener.Addr().String(), Always(Plan{Kind: Slow, Bytes: 50_000}))
	line := strings.Repeat("x", 9_996)
	began := time.Now()
	got, err := c.ask(line)
	require.NoError(t, err)
	require.Equal(t, "got "+line+"\n", got)
	// 10 kB each way, and the last piece of each is not waited for: no machine is faster than the clock.
	require.Greater(t, time.Since(began), 300*time.Millisecond)
	require.Equal(t, map[Kind]int{Slow: 1}, p.Happened())
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	p, err := Start(listener.Addr().String(), Healthy())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return // the cut was quicker
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.Empty(t, p.Happened(), "it is not a fault of the plan")
}

func TestCutAllAndClose(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	p, c := start(t, e.listener.Addr().String(), Healthy())
	_, err := c.ask("x")
	require.NoError(t, err)
	p.CutAll()
	_, err = c.ask("y")
	require.Error(t, err)
	c = dial(t, p)
	_, err = c.ask("z")
	require.NoError(t, err)
	require.NoError(t, p.Close())
	_, err = c.ask("w")
	require.Error(t, err)
	require.NoError(t, p.Close())
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	served := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { served <- r.URL.Path }))
	t.Cleanup(server.Close)
	p, dsn, err := ForDSN(server.URL, Always(Plan{Kind: CutAnswer, Turn: 2}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	get := func(path string) error {
		// A POST with a body that cannot be sent again is not repeated by the client.
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, dsn+path, io.MultiReader(strings.NewReader("x")))
		require.NoError(t, err)
		resp, err := client.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		return err
	}
	require.NoError(t, get("/1"))
	require.Error(t, get("/2"))
	require.NoError(t, get("/3"))
	close(served)
	var paths []string
	for path := range served {
		paths = append(paths, path)
	}
	require.Equal(t, []string{"/1", "/2", "/3"}, paths)
	_, _, err = ForDSN("http://%zz:S3CR3T@h", Healthy())
	require.NotContains(t, err.Error(), "S3CR3T")
}

func TestRandomIsRepeatable(t *testing.T) {
	t.Parallel()
	a, b, other := Random(7, 0.5, Kinds()...), Random(7, 0.5, Kinds()...), Random(8, 0.5, Kinds()...)
	seen, same := make(map[Kind]int), 0
	for n := range 2000 {
		plan := a(n)
		require.Equal(t, plan, b(n))
		if plan == other(n) {
			same++
		}
		seen[plan.Kind]++
	}
	require.Less(t, same, 1000)
	require.InDelta(t, 1000, seen[Pass], 150)
	for _, k := range Kinds() {
		require.Positive(t, seen[k], k)
		require.NotContains(t, k.String(), "kind ")
	}
	require.Equal(t, "kind 99", Kind(99).String())
	require.Equal(t, Plan{}, Random(7, 0, Kinds()...)(0))
}

// TestHalfClose ends the way to the server alone.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	p, c := start(t, e.listener.Addr().String(), Always(Plan{Kind: HalfClose, Turn: 2, Bytes: 4}))
	for _, line := range []string{"one\n", "two\nthree\n"} {
		_, err := io.WriteString(c.conn, line)
		require.NoError(t, err)
		answer, err := c.in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "got "+line[:4], answer)
	}
	_, err := c.in.ReadByte() // the server has seen the end, and ended
	require.ErrorIs(t, err, io.EOF)
	e.receives(t, "one\ntwo\n")
	require.Equal(t, 1, p.Happened()[HalfClose])
}

// TestFlipByte changes one byte of a request, once.
func TestFlipByte(t *testing.T) {
	t.Parallel()
	e := newEcho(t)
	p, c := start(t, e.listener.Addr().String(), Always(Plan{Kind: FlipByte, Turn: 2, Bytes: 1}))
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		_, err := io.WriteString(c.conn, line)
		require.NoError(t, err)
		_, err = c.in.ReadString('\n')
		require.NoError(t, err)
	}
	e.receives(t, "one\ntWo\nthree\n")
	require.Equal(t, 1, p.Happened()[FlipByte])
}
