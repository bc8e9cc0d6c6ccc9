package clickhouse

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
)

// What the fields of [Config] mean when they are zero.
const (
	DefaultInsertTimeout   = time.Minute
	DefaultRetryBudget     = 2 * time.Minute
	DefaultPace            = 10 * time.Millisecond
	DefaultMaxBlockRows    = 100_000
	DefaultMaxBlockBytes   = 16 << 20 // bytes
	DefaultMaxPendingBytes = 64 << 20 // bytes
)

// Config is the configuration of a [Materializer]. Either DSN or Client is
// required, everything else may be left out.
type Config struct {
	// DSN says where ClickHouse is; see [Open].
	DSN string

	// Client is used instead of a DSN, to share connections. It stays the
	// caller's: Close does not close it.
	Client *Client

	// CreateDatabase lets EnsureSchema create the DSN's database when it does
	// not exist.
	CreateDatabase bool

	// Tables holds what is particular to individual tables, such as partitions and
	// TTL, by the name of the schema. Schemas without an entry have what their own
	// Table field says, a [ddl.Options], as those of package schemas do; others
	// get the defaults of [ddl.NewTable].
	Tables map[string]ddl.Options

	// Allow permits EnsureSchema to run statements of these hazards as well.
	// Those that only touch metadata, such as adding a column, are always
	// permitted.
	Allow []ddl.Hazard

	// UnknownKeys says what becomes of keys in a fact's Data that are not
	// fields of its schema. The default refuses the fact.
	UnknownKeys block.UnknownKeys

	// CollectInto names the JSON field that takes unknown keys, with
	// [block.CollectUnknown]. Every schema must have it then.
	CollectInto string

	// Mode says when Materialize returns. The default is [Acknowledged].
	Mode Mode

	// OnFailure is told of facts that were accepted in [Buffered] mode and will
	// not be stored. In [Acknowledged] mode it is never called, since calls get their
	// error, and may be set all the same. It is called for one call's facts of one table at a time,
	// possibly for several tables at once. The table's next insert waits for it,
	// so it must not block, and it must not call Flush or Close.
	OnFailure func(Failure)

	// Pace is the shortest interval between the starts of two small inserts into
	// one table. Every insert makes a part, and parts cost the server more than
	// a few rows do, so rows that arrive within the interval share an insert.
	// The first insert after a pause goes at once, and one of 1,000 rows or more
	// need not wait; when a partition has more than 50 active parts, the
	// interval widens in proportion, up to a second, for inserts of any size.
	//
	// Zero means DefaultPace: at most 100 inserts a second, which one server merges
	// without effort, and a wait that is not longer than an insert takes. In
	// Acknowledged mode that begins when a partition has more than 15 active parts:
	// before, the server merges faster than callers wait for each other. A negative
	// Pace means no pacing, whatever the parts.
	Pace time.Duration

	// MaxBlockRows and MaxBlockBytes bound one insert: a block that has reached
	// one of them takes no further rows and is not paced. A single call is never
	// divided, so larger calls make larger inserts. Zero means the defaults.
	MaxBlockRows, MaxBlockBytes int

	// MaxPendingBytes bounds the encoded rows of each table that have been
	// accepted and not been answered; rows of calls with several schemas are
	// bounded by as much again. Further calls wait in the order in which they came,
	// before they encode anything; so does Record, before it appends to a log. A
	// call of any size enters while there is room, and only as many at once as
	// there are processors, and at least four.
	//
	// The memory used is up to about twice that for each table, since columns grow
	// by doubling, and once more for what Record holds as JSON. Zero means
	// DefaultMaxPendingBytes.
	MaxPendingBytes int

	// RetryBudget is how long rows that were accepted are tried before their
	// call fails with [ErrRetryable] or [ErrAmbiguous]. They are tried at least
	// once. Zero means DefaultRetryBudget; with a negative one nothing is tried
	// again. In Buffered mode there is no such limit.
	RetryBudget time.Duration

	// InsertTimeout is the longest that one try of an insert may take,
	// connecting included. A try that takes longer counts as [ErrAmbiguous], or
	// as [ErrRetryable] when nothing was sent. Zero means DefaultInsertTimeout.
	InsertTimeout time.Duration

	// MeterProvider and TracerProvider are OpenTelemetry's. Nil means that
	// nothing is measured or traced. docs/recording.md lists what there is.
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider

	// Logger is told of tables that are created or changed and of inserts that
	// fail. Nil means no log. Values of facts are never logged.
	Logger *slog.Logger
}

// Validate returns what is wrong with the configuration, all of it. It does
// not look into the DSN, which [New] does.
func (c Config) Validate() error {
	var problems []error
	switch {
	case c.DSN == "" && c.Client == nil:
		problems = append(problems, errors.New("a DSN or a Client is needed"))
	case c.DSN != "" && c.Client != nil:
		problems = append(problems, errors.New("give either a DSN or a Client"))
	}
	if c.InsertTimeout < 0 {
		problems = append(problems, fmt.Errorf("InsertTimeout is %s, want zero or more", c.InsertTimeout))
	}
	for name, n := range map[string]int{"MaxBlockRows": c.MaxBlockRows, "MaxBlockBytes": c.MaxBlockBytes, "MaxPendingBytes": c.MaxPendingBytes} {
		if n < 0 {
			problems = append(problems, fmt.Errorf("%s is %d, want zero or more", name, n))
		}
	}
	if c.Mode != Acknowledged && c.Mode != Buffered {
		problems = append(problems, fmt.Errorf("Mode is %d, which does not exist", c.Mode))
	}
	switch c.UnknownKeys {
	case block.RejectUnknown, block.IgnoreUnknown:
		if c.CollectInto != "" {
			problems = append(problems, fmt.Errorf("CollectInto is %q, but UnknownKeys is not CollectUnknown", c.CollectInto))
		}
	case block.CollectUnknown:
		if c.CollectInto == "" {
			problems = append(problems, errors.New("UnknownKeys is CollectUnknown, but CollectInto names no field"))
		}
	default:
		problems = append(problems, fmt.Errorf("UnknownKeys is %d, which does not exist", c.UnknownKeys))
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("materializer config: %w", errors.Join(problems...))
}

// withDefaults returns the configuration with the defaults filled in.
func (c Config) withDefaults() Config {
	c.InsertTimeout = cmp.Or(c.InsertTimeout, DefaultInsertTimeout)
	c.RetryBudget = cmp.Or(c.RetryBudget, DefaultRetryBudget)
	c.MaxBlockRows = cmp.Or(c.MaxBlockRows, DefaultMaxBlockRows)
	c.MaxBlockBytes = cmp.Or(c.MaxBlockBytes, DefaultMaxBlockBytes)
	c.MaxPendingBytes = cmp.Or(c.MaxPendingBytes, DefaultMaxPendingBytes)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
