package clickhouse

import (
	"crypto/tls"
	"log/slog"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
)

// Client talks to ClickHouse; see [chconn.Client] for its methods. Package
// migrate changes tables over its connections, package insert inserts blocks of
// rows.
type Client = chconn.Client

// Option changes how [Open] sets up a Client.
type Option = chconn.Option

// Error is what calls that reach the server fail with; see [chconn.Error].
type Error = chconn.Error

// UnchangedError says that a table differs from its schema and stays as it is; see
// [migrate.UnchangedError].
type UnchangedError = migrate.UnchangedError

// Rows are the rows of a query; see [chconn.Rows].
type Rows = chconn.Rows

// The classes of error; see package chconn for what each of them means.
var (
	// ErrRetryable is [chconn.ErrRetryable]: the call failed for the moment.
	ErrRetryable = chconn.ErrRetryable
	// ErrAmbiguous is [chconn.ErrAmbiguous]: the answer was lost.
	ErrAmbiguous = chconn.ErrAmbiguous
	// ErrRejected is [chconn.ErrRejected]: the call would be refused again.
	ErrRejected = chconn.ErrRejected
	// ErrSchema is [chconn.ErrSchema]: the table is not as it should be.
	ErrSchema = chconn.ErrSchema
	// ErrClosed is [chconn.ErrClosed]: the call was made after Close.
	ErrClosed = chconn.ErrClosed
)

// Open returns a Client for a DSN; see [chconn.Open].
func Open(dsn string, opts ...Option) (*Client, error) { return chconn.Open(dsn, opts...) }

// WithTLS connects with TLS and the given configuration; see [chconn.WithTLS].
func WithTLS(config *tls.Config) Option { return chconn.WithTLS(config) }

// WithLogger tells the logger of each change of a table that is made over the
// Client's connections; see [chconn.WithLogger].
func WithLogger(log *slog.Logger) Option { return chconn.WithLogger(log) }

// WithCompression sets how rows and answers are compressed; see
// [chconn.WithCompression].
func WithCompression(method string) Option { return chconn.WithCompression(method) }

// Param is an argument of a statement; see [chconn.Param].
func Param(name string, value any) any { return chconn.Param(name, value) }

// RedactDSN returns the DSN without its password; see [chconn.RedactDSN].
func RedactDSN(dsn string) string { return chconn.RedactDSN(dsn) }
