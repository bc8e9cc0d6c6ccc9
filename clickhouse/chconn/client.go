package chconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Client talks to one ClickHouse server, or to several that stand in for each
// other. It is safe for concurrent use.
//
// It connects when it is first used, and again whenever it has to. A server
// that is down, restarted or moved is an error of the calls made meanwhile and
// never of the Client.
type Client struct {
	opt     *chgo.Options
	options clientOptions
	shown   string // the DSN without its password
	redact  redactor
	dialer  *dialer
	conn    driver.Conn
	native  *nativePool // nil over HTTP
	slots   chan struct{}
	others  struct { // made by At
		sync.Mutex
		clients map[string]*Client
	}

	closeOnce sync.Once
	closed    chan struct{}
	closeErr  error
}

// Option changes how [Open] sets up a Client.
type Option func(*clientOptions)

type clientOptions struct {
	tls         *tls.Config
	compression string
	httpPort    string       // for answers in a format; empty: the server is asked
	logger      *slog.Logger // never nil
}

// WithTLS connects with TLS and the given configuration, for what the DSN's
// parameters cannot say. The DSN needs no secure parameter then, and has none
// about certificates.
func WithTLS(config *tls.Config) Option {
	return func(o *clientOptions) { o.tls = config }
}

// WithLogger tells the logger of each change of a table that the Client has
// made, at level info. It gets no values of rows.
func WithLogger(log *slog.Logger) Option {
	return func(o *clientOptions) { o.logger = log }
}

// WithCompression sets how rows and answers are compressed, whatever the DSN
// says: none, lz4, lz4hc, zstd, and over HTTP gzip, deflate or br.
func WithCompression(method string) Option {
	return func(o *clientOptions) { o.compression = method }
}

// Open returns a Client for a DSN. It opens no connection; [Client.Ping] does.
//
// The DSN is scheme://user:password@host:port/database?name=value. The schemes
// clickhouse and tcp mean the native protocol (port 9000, or 9440 with TLS),
// http and https mean HTTP (8123, 8443). Special characters of user and
// password are percent-encoded. Several hosts are joined with commas; they are
// tried in turn.
//
// Parameters: secure for TLS, skip_verify to take any certificate; ca_cert (a
// file of authorities that sign servers' certificates), client_cert and
// client_cert_key (files, in PEM; read again for every connection) and
// server_host_name (the name that the server's certificate must have), each of
// which means secure; token_file (of a user who shows a JWT instead of a password,
// over TLS; read again for every connection); dial_timeout (10s, shared by all hosts); read_timeout (5m,
// the longest wait for an answer); compress (none, lz4, lz4hc, zstd, and over
// HTTP gzip, deflate, br; none to this machine and lz4 elsewhere unless given);
// max_open_conns (16, further calls wait), max_idle_conns (5), conn_max_lifetime
// (1h); connection_open_strategy (in_order, round_robin, random); http_path, the path that a
// server has behind a proxy, and http_proxy, through which it is reached; http_port, of a native DSN, for
// [Client.QueryFormat]. Any other parameter is a ClickHouse setting that holds for every statement.
//
// A user without a password who shows a client certificate is one that the server knows by
// that certificate.
//
// No error of Open or of the Client contains the password.
func Open(dsn string, opts ...Option) (*Client, error) {
	options := clientOptions{logger: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		o(&options)
	}
	opt, redact, err := parseDSN(dsn, &options)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	return newClient(opt, options, RedactDSN(strings.TrimSpace(dsn)), redact)
}

func newClient(opt *chgo.Options, options clientOptions, shown string, redact redactor) (_ *Client, err error) {
	c := &Client{
		opt:     opt,
		options: options,
		shown:   shown,
		redact:  redact,
		slots:   make(chan struct{}, opt.MaxOpenConns),
		closed:  make(chan struct{}),
	}
	c.dialer = &dialer{hosts: opt.Addr, strategy: opt.ConnOpenStrategy, timeout: opt.DialTimeout}
	if opt.Protocol == chgo.Native {
		c.dialer.native, c.dialer.tls = true, opt.TLS
		opt.DialContext = tracked(c.dialer.dialNative)
		c.native = newNativePool(opt, c.dialer)
		c.native.database = c.currentDatabase
	} else {
		opt.DialContext = tracked(c.dialer.dial)
	}
	opt.DialStrategy = c.dialer.driverStrategy
	if c.conn, err = chgo.Open(c.driverOptions()); err != nil {
		return nil, redact.dsnError(err)
	}
	return c, nil
}

// driverOptions returns the options for the driver's own pool. The Client has
// limits of its own for the connections in use and the time to wait, which follow
// contexts and say what happened. The driver's limits are a little wider, so that
// they are never met.
func (c *Client) driverOptions() *chgo.Options {
	opt := *c.opt
	opt.MaxOpenConns = 2*c.opt.MaxOpenConns + 1
	opt.DialTimeout += time.Second
	opt.ReadTimeout += time.Second
	return &opt
}

// String returns the DSN without its password.
func (c *Client) String() string { return c.shown }

// Logger returns the logger given by [WithLogger], or one that discards.
func (c *Client) Logger() *slog.Logger { return c.options.logger }

// ReadTimeout returns the longest wait for an answer.
func (c *Client) ReadTimeout() time.Duration { return c.opt.ReadTimeout }

// IsHTTP reports whether the Client speaks HTTP.
func (c *Client) IsHTTP() bool { return c.native == nil }

// Compression returns how rows and answers are compressed.
func (c *Client) Compression() chgo.Compression { return *c.opt.Compression }

// Setting returns a ClickHouse setting of the DSN.
func (c *Client) Setting(name string) (value any, ok bool) {
	value, ok = c.opt.Settings[name]
	return value, ok
}

// InsertFormat sends an insert over HTTP, whose rows are what body has in the
// format. The caller holds a connection slot. Its error is the driver's.
func (c *Client) InsertFormat(ctx context.Context, format, sql string, body io.Reader) error {
	return c.conn.InsertFormat(ctx, format, sql, body)
}

// Database returns the name of the DSN's database. It is empty when the DSN
// names none, which means the server's default for the user.
func (c *Client) Database() string { return c.opt.Auth.Database }

// currentDatabase returns the database that unqualified names mean when the
// DSN names none. It changes for a user at most between connections.
func (c *Client) currentDatabase(ctx context.Context) (string, error) {
	var name string
	err := c.conn.QueryRow(ctx, "SELECT currentDatabase()").Scan(&name)
	return name, err
}

// Ping checks that the server answers, that it accepts the credentials and
// that the database exists.
func (c *Client) Ping(ctx context.Context) error {
	release, err := c.Acquire(ctx)
	if err != nil {
		return c.Fail(ctx, "ping", err, Read)
	}
	defer release()
	var one uint8
	if err := c.conn.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		return c.Fail(ctx, "ping", err, Read)
	}
	return nil
}

// Close closes the idle connections at once and those in use when their call
// returns. Calls made later fail with [ErrClosed]. Closing again does nothing.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		close(c.closed)
		if c.native != nil {
			c.native.close()
		}
		c.closeErr = errors.Join(c.conn.Close(), c.closeOthers())
	})
	return c.closeErr
}

// Acquire waits for one of the Client's connection slots. The function it
// returns gives the slot back and must be called exactly once.
func (c *Client) Acquire(ctx context.Context) (release func(), err error) {
	select {
	case <-c.closed:
		return nil, errClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.closed:
		return nil, errClosed
	}
}
