package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/ddl"
)

// Inserts over the native protocol go through ch-go, the layer below the
// driver. It takes the columns of a block as they are, where the driver has
// columns of its own, and it leaves the statement alone, where the driver takes
// it apart with expressions that unusual names of tables and columns defeat.

// insertNative sends one block over the native protocol. The phase says
// whether rows may have reached the server when it fails.
func (c *Client) insertNative(ctx context.Context, in Insert) (phase, error) {
	for {
		conn, fresh, err := c.native.get(ctx)
		if err != nil {
			return unsent, err
		}
		if err := in.begin(ctx); err != nil {
			c.native.put(conn)
			return unsent, err
		}
		at, err := conn.insert(ctx, in)
		if err == nil {
			c.native.put(conn)
			return at, nil
		}
		conn.close()
		// A connection that lay idle may have been cut by the other side. As
		// long as no row was sent, another one can be tried.
		if fresh || at == sent || serverCode(err) != 0 || ctx.Err() != nil || errors.Is(err, ErrSchema) {
			return at, err
		}
	}
}

// nativePool keeps connections for inserts.
type nativePool struct {
	dialer   *dialer
	options  ch.Options
	database func(context.Context) (string, error)
	maxIdle  int
	lifetime time.Duration
	dialed   atomic.Int64

	mu     sync.Mutex
	idle   []*insertConn // the one used last comes last
	closed bool
}

// The driver's own defaults, which it sets behind our back.
const (
	defaultMaxIdle  = 5
	defaultLifetime = time.Hour
)

func newNativePool(opt *chgo.Options, d *dialer) *nativePool {
	p := &nativePool{dialer: d, maxIdle: opt.MaxIdleConns, lifetime: opt.ConnMaxLifetime}
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
		Settings:         nativeSettings(opt.Settings),
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
func (p *nativePool) get(ctx context.Context) (conn *insertConn, fresh bool, err error) {
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
		conn.close()
	}
	conn, err = p.open(ctx)
	return conn, true, err
}

func (p *nativePool) takeIdle() (*insertConn, error) {
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

func (p *nativePool) open(ctx context.Context) (*insertConn, error) {
	options := p.options
	if options.Database == "" { // which ch-go takes for one named default
		var err error
		if options.Database, err = p.database(ctx); err != nil {
			return nil, err
		}
	}
	var out *insertConn
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
		out = &insertConn{client: client, raw: raw, born: time.Now()}
		return nil
	})
	return out, err
}

// put takes a connection back that is fit for use.
func (p *nativePool) put(conn *insertConn) {
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < p.maxIdle
	if keep {
		p.idle = append(p.idle, conn)
	}
	p.mu.Unlock()
	if !keep {
		conn.close()
	}
}

// close closes the idle connections and lets no further ones be taken.
func (p *nativePool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, conn := range idle {
		conn.close()
	}
}

// insertConn is one connection for inserts. It is used by one goroutine at a
// time.
type insertConn struct {
	client *ch.Client
	raw    net.Conn
	born   time.Time
}

// close closes the connection. It may be called at any time.
func (c *insertConn) close() { _ = c.raw.Close() } // what failed before is what is reported

// insert sends one block and waits for the server's answer.
func (c *insertConn) insert(ctx context.Context, in Insert) (phase, error) {
	// ch-go looks at the context between packets only.
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	check := &headerCheck{close: c.close}
	input := in.Block.Input()
	checked := make(proto.Input, len(input))
	for i, column := range input {
		checked[i] = proto.InputColumn{Name: column.Name, Data: &checkedColumn{ColInput: column.Data, name: column.Name, check: check}}
	}
	err := c.client.Do(ctx, ch.Query{
		QueryID:  insertID(in.Table),
		Body:     nativeInsertSQL(in.Table, input),
		Input:    checked,
		Settings: nativeSettings(in.settings()),
	})
	at := unsent
	if check.seen.Load() > 0 {
		at = sent
	}
	if mismatch := check.mismatch.Load(); mismatch != nil {
		return unsent, mismatch
	}
	return at, err
}

func nativeInsertSQL(table string, columns proto.Input) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = ddl.QuoteIdent(column.Name)
	}
	return "INSERT INTO " + ddl.QuoteIdent(table) + " (" + strings.Join(names, ", ") + ") FORMAT Native"
}

// nativeSettings makes settings those of ch-go. They are important: a server
// that does not know one refuses the statement.
func nativeSettings[V any](settings map[string]V) []ch.Setting {
	out := make([]ch.Setting, 0, len(settings))
	for name, value := range settings {
		out = append(out, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	slices.SortFunc(out, func(a, b ch.Setting) int { return strings.Compare(a.Key, b.Key) })
	return out
}
