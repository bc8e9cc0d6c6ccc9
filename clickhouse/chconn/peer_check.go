package chconn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// nativeConn is a connection whose peer must speak the native protocol.
type nativeConn struct {
	net.Conn
	known    bool          // the first bytes have been looked at
	readOnce sync.Once     // closes readEnds
	readEnds chan struct{} // closed when nothing more can be read
}

func newNativeConn(conn net.Conn) *nativeConn {
	return &nativeConn{Conn: conn, readEnds: make(chan struct{})}
}

// Read looks at the first byte the peer ever sends: a server greets with 0 or
// complains with 2. It is called by one goroutine at a time.
func (c *nativeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.readOnce.Do(func() { close(c.readEnds) })
	}
	if c.known || n == 0 {
		return n, err
	}
	c.known = true
	switch p[0] {
	case 'H': // HTTP/1.1 400 Bad Request
		return 0, errSpeaksHTTP
	case 21: // a TLS alert
		return 0, errSpeaksTLS
	}
	return n, err
}

// lastWords is how long a failed Write waits for the reason.
const lastWords = 500 * time.Millisecond

// Write writes. A server that refuses a statement says why and hangs up; the
// part of it that still has to be written then fails. The failure is held back
// until the reason has been read, so that it is the reason that is reported.
func (c *nativeConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return n, err
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-c.readEnds:
	case <-timer.C:
	}
	return n, err
}

// SyscallConn lets the driver see whether an idle connection is still alive.
func (c *nativeConn) SyscallConn() (syscall.RawConn, error) {
	conn := c.Conn
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if raw, ok := conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

var (
	errSpeaksHTTP = errors.New("the server answers in HTTP")
	errSpeaksTLS  = errors.New("the server answers with a TLS alert")
)

// silence is how long a server may take to greet before it is asked whether it
// speaks HTTP.
const silence = 2 * time.Second

// watchForHTTP ends the context with errSpeaksHTTP when the address turns out
// to be one for HTTP. A server for HTTP takes the greeting of the native
// protocol for the beginning of a request and waits for the rest, so an answer
// would be long in coming. The function that is returned ends the watch.
func watchForHTTP(ctx context.Context, addr string) (watched context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	timer := time.AfterFunc(silence, func() {
		defer close(done)
		if speaksHTTP(ctx, addr) {
			cancel(errSpeaksHTTP)
		}
	})
	return ctx, func() {
		cancel(nil)
		if !timer.Stop() {
			<-done
		}
	}
}

// speaksHTTP sends an HTTP request and reports whether the answer is one.
func speaksHTTP(ctx context.Context, addr string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // only to end the wait
	if _, err := conn.Write([]byte("GET /ping HTTP/1.0\r\n\r\n")); err != nil {
		return false
	}
	answer := make([]byte, len("HTTP/"))
	_, err = io.ReadFull(conn, answer)
	return err == nil && string(answer) == "HTTP/"
}
