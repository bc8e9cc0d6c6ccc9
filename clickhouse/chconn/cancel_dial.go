package chconn

import (
	"context"
	"net"
	"sync"
)

// openingConn is a connection that is being opened by the driver. It can be
// closed at any time, also before it exists.
type openingConn struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

// openingKey finds the openingConn in a context.
type openingKey struct{}

// set remembers the connection, or closes it when close came first.
func (o *openingConn) set(conn net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = conn
	if o.closed {
		_ = conn.Close() // nobody will use it
	}
}

func (o *openingConn) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.conn != nil {
		_ = o.conn.Close() // what failed before is what is reported
	}
}

// tracked makes a dial function put its connection into the context's
// openingConn, when there is one.
func tracked(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		conn, err := dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		if opening, ok := ctx.Value(openingKey{}).(*openingConn); ok {
			opening.set(conn)
		}
		return conn, nil
	}
}
