package chtest

import (
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Proxy stands between a client and the real engine. It can cut what passes
// through it.
type Proxy struct {
	listener net.Listener
	target   string
	// OnBytes, when set, is asked before each piece of data is passed on to the
	// server, with the number of bytes of the connection so far. It returns
	// false to cut the connection.
	OnBytes atomic.Pointer[func(total int) bool]
	// OnAnswer is the same for data from the server.
	OnAnswer atomic.Pointer[func(total int) bool]
	accepted atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

// NewProxy starts a proxy for the host of the DSN and returns it with the DSN
// that leads through it. With a configuration it takes TLS.
func NewProxy(t testing.TB, dsn string, config *tls.Config) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	p := Forward(t, listener, u.Host)
	u.Host = listener.Addr().String()
	return p, u.String()
}

// Forward starts a proxy from the listener to the target.
func Forward(t testing.TB, listener net.Listener, target string) *Proxy {
	t.Helper()
	p := &Proxy{listener: listener, target: target, conns: make(map[net.Conn]bool)}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.CutAll()
		p.wg.Wait()
	})
	return p
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.accepted.Add(1)
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = conn.Close()
			continue
		}
		p.mu.Lock()
		p.conns[conn], p.conns[server] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(server, conn, &p.OnBytes) })
		p.wg.Go(func() { p.pass(conn, server, &p.OnAnswer) })
	}
}

func (p *Proxy) pass(to, from net.Conn, ask *atomic.Pointer[func(int) bool]) {
	defer p.cut(to, from)
	buf := make([]byte, 64<<10)
	total := 0
	for {
		n, err := from.Read(buf)
		total += n
		if f := ask.Load(); f != nil && n > 0 && !(*f)(total) {
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *Proxy) cut(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(p.conns, conn)
	}
}

// CutAll cuts every connection there is, as a server that restarts does.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
	clear(p.conns)
}

// SilentAddr returns an address that takes connections and never says a word.
func SilentAddr(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
	})
	return listener.Addr().String()
}

// ClosedAddr returns an address where nobody listens.
func ClosedAddr(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}
