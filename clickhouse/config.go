package clickhouse

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
)

// DefaultInsertTimeout is how long one insert may take when
// [Config.InsertTimeout] is zero.
const DefaultInsertTimeout = time.Minute

// Config is the configuration of a [Materializer]. Either DSN or Client is
// required, everything else may be left out.
type Config struct {
	// DSN says where ClickHouse is; see [Open].
	DSN string

	// Client is used instead of a DSN, to share connections. It stays the
	// caller's: Close does not close it.
	Client *Client

	// CreateDatabase lets EnsureSchema create the DSN's database when it does
	// not exist. With Client it has no effect; use [WithCreateDatabase].
	CreateDatabase bool

	// Tables holds what is particular to single tables, such as partitions and
	// TTL, by the name of the schema. Schemas without an entry get the defaults
	// of [ddl.NewTable].
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

	// InsertTimeout is the longest that one insert may take, connecting
	// included. An insert that takes longer fails with [ErrAmbiguous], or with
	// [ErrRetryable] when nothing was sent. Zero means DefaultInsertTimeout. The
	// caller's context may end it earlier.
	InsertTimeout time.Duration

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
	if c.Client != nil && c.CreateDatabase {
		problems = append(problems, errors.New("CreateDatabase does nothing with a Client: open it WithCreateDatabase"))
	}
	if c.InsertTimeout < 0 {
		problems = append(problems, fmt.Errorf("InsertTimeout is %s, want zero or more", c.InsertTimeout))
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
