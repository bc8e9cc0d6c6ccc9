package chconn

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/factload/factload/ddl"
)

// Param is an argument of a statement. In the statement it is written as
// {name:Type}, with a ClickHouse type. The server puts the value in, so that no
// text needs quoting. {name:Identifier} stands for the name of a table or
// column, which must not contain a backslash or a control character; use
// [ddl.QuoteIdent] for names of any kind.
func Param(name string, value any) any { return chgo.Named(name, value) }

// WithValues sends the values with each statement of the context, which may read them
// from a table of that name with a column "value", a String. They are not in the text
// that the server writes to its logs, while those of [Param] are. All of them are in
// memory.
func WithValues(ctx context.Context, table string, values []string) (context.Context, error) {
	t, err := ext.NewTable(table, ext.Column("value", "String"))
	if err != nil {
		return nil, err
	}
	for _, value := range values {
		if err := t.Append(value); err != nil {
			return nil, err
		}
	}
	return chgo.Context(ctx, chgo.WithExternalTable(t)), nil
}

// Exec runs one statement that returns no rows. A broken connection makes the
// error [ErrAmbiguous], since the statement may have run.
func (c *Client) Exec(ctx context.Context, sql string, params ...any) error {
	return c.ExecAs(ctx, "exec", sql, params...)
}

// ExecAs is [Client.Exec] with op as what its errors say was tried.
func (c *Client) ExecAs(ctx context.Context, op, sql string, params ...any) error {
	release, err := c.Acquire(ctx)
	if err != nil {
		return c.Fail(ctx, op, err, Unsent)
	}
	defer release()
	if err := c.conn.Exec(ctx, sql, params...); err != nil {
		return c.Fail(ctx, op, err, Sent)
	}
	return nil
}

// CreateDatabase creates the DSN's database if it does not exist, over a
// connection of its own that names none.
func (c *Client) CreateDatabase(ctx context.Context) error {
	op := fmt.Sprintf("create database %q", c.Database())
	opt := *c.driverOptions()
	opt.Auth.Database = "" // the server's default for the user
	conn, err := chgo.Open(&opt)
	if err != nil {
		return c.Fail(ctx, op, err, Unsent)
	}
	defer conn.Close()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+ddl.QuoteIdent(c.Database())); err != nil {
		return c.Fail(ctx, op, err, Sent)
	}
	return nil
}

// Query runs one query and returns its rows, which must be closed. They hold
// one of the Client's connections until then.
func (c *Client) Query(ctx context.Context, sql string, params ...any) (*Rows, error) {
	release, err := c.Acquire(ctx)
	if err != nil {
		return nil, c.Fail(ctx, "query", err, Read)
	}
	running, cancel := context.WithCancel(ctx)
	rows, err := c.conn.Query(running, sql, params...)
	if err != nil {
		cancel()
		release()
		return nil, c.Fail(ctx, "query", err, Read)
	}
	return &Rows{ctx: ctx, client: c, rows: rows, cancel: cancel, release: release}, nil
}

// Rows are the rows of a query. They are not safe for concurrent use.
type Rows struct {
	ctx     context.Context // the query's, to tell why it failed
	client  *Client
	rows    driver.Rows
	ended   bool // Next has returned false
	cancel  context.CancelFunc
	release func()
}

// Columns returns the names of the columns.
func (r *Rows) Columns() []string { return r.rows.Columns() }

// Next goes to the next row. It returns false behind the last one and on an
// error, which Err tells.
func (r *Rows) Next() bool {
	r.ended = !r.rows.Next()
	return !r.ended
}

// Scan copies the columns of the current row into the variables that dest
// points to.
func (r *Rows) Scan(dest ...any) error {
	if err := r.rows.Scan(dest...); err != nil {
		return r.client.Fail(r.ctx, "scan", err, Read)
	}
	return nil
}

// Err returns the error that ended Next, if any.
func (r *Rows) Err() error {
	if err := r.rows.Err(); err != nil {
		return r.client.Fail(r.ctx, "query", err, Read)
	}
	return nil
}

// Close gives the connection back. A query whose rows have not all been read
// is cancelled. Closing again does nothing. The error is one that came when all
// rows had been read, which Err does not return; what Err returns is not returned
// again.
func (r *Rows) Close() error {
	if r.release == nil {
		return nil
	}
	if !r.ended {
		r.cancel() // or the driver would read the rest
	}
	err := r.rows.Close()
	r.cancel()
	r.release()
	r.release = nil
	if err != nil && r.ended && r.rows.Err() == nil {
		return r.client.Fail(r.ctx, "query", err, Read)
	}
	return nil
}

// QueryFormat runs one query and writes its answer to w as the server formats
// it: PrettyCompact, JSONEachRow, CSV, Parquet or any other of its formats. The
// statement must have no FORMAT clause of its own.
//
// Only HTTP can do this. A Client of a native DSN uses the DSN's host and
// credentials, and the port of the DSN's parameter http_port. Without that it asks
// the server for its port, and refuses to use it when the server's ports are mapped.
func (c *Client) QueryFormat(ctx context.Context, w io.Writer, format, sql string, params ...any) error {
	const op = "query"
	release, err := c.Acquire(ctx)
	if err != nil {
		return c.Fail(ctx, op, err, Read)
	}
	defer release()
	conn, done, err := c.overHTTP(ctx)
	if err != nil {
		return c.Fail(ctx, op, err, Read)
	}
	defer done()
	answer, err := conn.QueryFormat(ctx, format, sql, params...)
	if err != nil {
		return c.Fail(ctx, op, err, Read)
	}
	defer answer.Close()
	to := &answerWriter{w: w}
	if _, err := io.Copy(to, answer); err != nil && to.err == nil {
		return c.Fail(ctx, op, err, Read)
	}
	if to.err != nil {
		return fmt.Errorf("%s: write the answer: %w", op, to.err)
	}
	return nil
}

// InsertFormatAs is the other way of [Client.QueryFormat]: body has the rows of an insert
// in one of the server's formats, and is read to its end. Op is what errors say was tried.
// What fails after rows have been sent is [ErrAmbiguous] unless the server's own answer
// proves that nothing was stored.
func (c *Client) InsertFormatAs(ctx context.Context, op, format, sql string, body io.Reader) error {
	release, err := c.Acquire(ctx)
	if err != nil {
		return c.Fail(ctx, op, err, Unsent)
	}
	defer release()
	conn, done, err := c.overHTTP(ctx)
	if err != nil {
		return c.Fail(ctx, op, err, Unsent)
	}
	defer done()
	if err := conn.InsertFormat(ctx, format, sql, body); err != nil {
		return c.Fail(ctx, op, err, RowsSentToViews)
	}
	return nil
}

// answerWriter remembers the error of a writer, to tell it from the server's.
type answerWriter struct {
	w   io.Writer
	err error
}

func (a *answerWriter) Write(p []byte) (int, error) {
	n, err := a.w.Write(p)
	a.err = err
	return n, err
}

// overHTTP returns a connection that speaks HTTP with the server, and what to
// call when it is no longer needed.
func (c *Client) overHTTP(ctx context.Context) (conn driver.Conn, done func(), err error) {
	if c.native == nil {
		return c.conn, func() {}, nil
	}
	port, err := c.httpPort(ctx)
	if err != nil {
		return nil, nil, err
	}
	hosts := make([]string, 0, len(c.opt.Addr))
	for _, addr := range c.opt.Addr {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, nil, err
		}
		hosts = append(hosts, net.JoinHostPort(host, port))
	}
	d := &dialer{hosts: hosts, strategy: c.opt.ConnOpenStrategy, timeout: c.opt.DialTimeout}
	conn, err = chgo.Open(&chgo.Options{
		Protocol:     chgo.HTTP,
		Addr:         hosts,
		Auth:         c.opt.Auth,
		GetJWT:       c.opt.GetJWT,
		TLS:          c.opt.TLS,
		HttpUrlPath:  c.opt.HttpUrlPath,
		HTTPProxyURL: c.opt.HTTPProxyURL,
		Settings:     c.opt.Settings,
		DialTimeout:  c.opt.DialTimeout,
		ReadTimeout:  c.opt.ReadTimeout,
		DialContext:  tracked(d.dial),
		DialStrategy: d.driverStrategy,
	})
	if err != nil {
		return nil, nil, err
	}
	return conn, func() { _ = conn.Close() }, nil // only idle connections are closed
}

// httpPort returns the port for HTTP that the DSN names, or else the server. A server behind
// mapped ports cannot know how it is reached: what listens on that port of the DSN's host may
// be another server, with the same user and other data.
func (c *Client) httpPort(ctx context.Context) (string, error) {
	if c.options.httpPort != "" {
		return c.options.httpPort, nil
	}
	names := []string{"http_port", "tcp_port"}
	if c.opt.TLS != nil {
		names = []string{"https_port", "tcp_port_secure"}
	}
	var ports [2]uint16
	ctx = withoutQueryID(ctx, chgo.WithSettings(chgo.Settings{}), chgo.WithParameters(nil)) // which are the statement's, too
	err := c.conn.QueryRow(ctx, "SELECT getServerPort({http:String}), getServerPort({native:String})", Param("http", names[0]), Param("native", names[1])).Scan(&ports[0], &ports[1])
	switch {
	case ServerCode(err) == CodeNoSuchPort:
		return "", &noHTTPError{fmt.Sprintf("the server tells no %s", names[0])}
	case err != nil:
		return "", err
	}
	for _, addr := range c.opt.Addr {
		if _, port, err := net.SplitHostPort(addr); err == nil && port == strconv.Itoa(int(ports[1])) {
			return strconv.Itoa(int(ports[0])), nil
		}
	}
	return "", &noHTTPError{fmt.Sprintf("the server's own native port is %d and not that of the DSN, so its ports are mapped and its HTTP port %d is not to be trusted", ports[1], ports[0])}
}

// noHTTPError says that the server's port for HTTP is not known.
type noHTTPError struct{ reason string }

func (e *noHTTPError) Error() string {
	return e.reason + "; only HTTP can format an answer: add http_port=PORT to the DSN, as in clickhouse://HOST:9001/DATABASE?http_port=8124, or give an http:// DSN"
}

func (e *noHTTPError) Is(target error) bool { return target == ErrRejected }
