package chconn

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go"
	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// NativeConn returns a connection for the caller alone, who holds a slot for it
// and gives it back with [Client.PutNative] or closes it. It says whether the
// connection has just been made.
func (c *Client) NativeConn(ctx context.Context) (conn *NativeConn, fresh bool, err error) {
	return c.native.get(ctx)
}

// PutNative takes a connection back that is fit for use.
func (c *Client) PutNative(conn *NativeConn) { c.native.put(conn) }

// nativePool keeps connections for inserts.
type nativePool struct {
	dialer   *dialer
	options  ch.Options
	database func(context.Context) (string, error)
	token    chgo.GetJWTFunc // nil for a user with a password
	maxIdle  int
	lifetime time.Duration
	dialed   atomic.Int64

	mu     sync.Mutex
	idle   []*NativeConn // the one used last comes last
	closed bool
}

// The defaults of the driver, which sets them only in its own copy of the options.
const (
	defaultMaxIdle  = 5
	defaultLifetime = time.Hour
)

func newNativePool(opt *chgo.Options, d *dialer) *nativePool {
	p := &nativePool{dialer: d, token: opt.GetJWT, maxIdle: opt.MaxIdleConns, lifetime: opt.ConnMaxLifetime}
	if p.maxIdle <= 0 {
		p.maxIdle = defaultMaxIdle
	}
	if p.lifetime <= 0 {
		p.lifetime = defaultLifetime
	}
	p.options = ch.Options{
		Database:         opt.Auth.Database,
		User:             opt.Auth.Username,
		Password:         opt.Auth.Password,
		ClientName:       "factload",
		ReadTimeout:      ch.NoTimeout, // the context ends every wait
		HandshakeTimeout: opt.DialTimeout,
		Settings:         NativeSettings(opt.Settings),
		CompressionLevel: ch.CompressionLevel(max(opt.Compression.Level, 0)), //nolint:gosec // not negative
	}
	switch opt.Compression.Method {
	case chgo.CompressionLZ4:
		p.options.Compression = ch.CompressionLZ4
	case chgo.CompressionLZ4HC:
		p.options.Compression = ch.CompressionLZ4HC
	case chgo.CompressionZSTD:
		p.options.Compression = ch.CompressionZSTD
	default:
		p.options.Compression = ch.CompressionDisabled
	}
	return p
}

// get returns a connection for the caller alone, which gives it back with put
// or closes it. It says whether the connection has just been made.
func (p *nativePool) get(ctx context.Context) (conn *NativeConn, fresh bool, err error) {
	for {
		conn, err := p.takeIdle()
		if err != nil {
			return nil, false, err
		}
		if conn == nil {
			break
		}
		if time.Since(conn.born) < p.lifetime && conn.alive() {
			return conn, false, nil
		}
		conn.Close()
	}
	conn, err = p.open(ctx)
	return conn, true, err
}

func (p *nativePool) takeIdle() (*NativeConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	n := len(p.idle)
	if n == 0 {
		return nil, nil // no idle connection, no error
	}
	conn := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return conn, nil
}

func (p *nativePool) open(ctx context.Context) (*NativeConn, error) {
	options := p.options
	if options.Database == "" { // which ch-go takes for one named default
		var err error
		if options.Database, err = p.database(ctx); err != nil {
			return nil, err
		}
	}
	if p.token != nil {
		token, err := p.token(ctx)
		if err != nil {
			return nil, err
		}
		options.User, options.Password = tokenUser, token
	}
	var out *NativeConn
	err := p.dialer.each(ctx, int(p.dialed.Add(1)), func(ctx context.Context, addr string) error {
		raw, err := p.dialer.dialNative(ctx, addr)
		if err != nil {
			return err
		}
		client, err := ch.Connect(ctx, raw, options)
		if err != nil {
			_ = raw.Close() // the handshake's error is the one to tell
			return err
		}
		out = &NativeConn{Client: client, raw: raw, born: time.Now()}
		return nil
	})
	return out, err
}

// put takes a connection back that is fit for use.
func (p *nativePool) put(conn *NativeConn) {
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < p.maxIdle
	if keep {
		p.idle = append(p.idle, conn)
	}
	p.mu.Unlock()
	if !keep {
		conn.Close()
	}
}

// close closes the idle connections and lets no further ones be taken.
func (p *nativePool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, conn := range idle {
		conn.Close()
	}
}

// NativeConn is one connection for inserts over the native protocol. It is used
// by one goroutine at a time.
type NativeConn struct {
	Client *ch.Client
	raw    net.Conn
	born   time.Time
}

// Close closes the connection. It may be called at any time.
func (c *NativeConn) Close() { _ = c.raw.Close() } // what failed before is what is reported

// NativeSettings makes settings those of ch-go. They are important: a server
// that does not know one refuses the statement.
func NativeSettings[V any](settings map[string]V) []ch.Setting {
	out := make([]ch.Setting, 0, len(settings))
	for name, value := range settings {
		out = append(out, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	slices.SortFunc(out, func(a, b ch.Setting) int { return strings.Compare(a.Key, b.Key) })
	return out
}
