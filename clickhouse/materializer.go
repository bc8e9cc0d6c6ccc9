package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// Materializer stores facts as rows of ClickHouse tables, one table for each
// schema. It implements [fact.Materializer] and [fact.Preparer] and is safe for
// concurrent use. See the package documentation for what it guarantees.
type Materializer struct {
	client   *Client
	owned    bool // the client is ours to close
	migrator *migrate.Migrator
	inserter *insert.Inserter
	tables   map[string]ddl.Options
	allow    []ddl.Hazard
	encode   block.Options
	timeout  time.Duration
	settings map[string]string // of inserts
	log      *slog.Logger
	several  *groupcommit.Room // of calls with facts of several schemas
	calls    inflight
	late     lateness

	config      Config // with its defaults; for the writers
	keepIDs     bool   // failures are reported by ID
	metrics     *groupcommit.Metrics
	observation metric.Registration
	inserts     context.Context // ends the writers
	stopInserts context.CancelCauseFunc
	sink        func(*schemaEntry) groupcommit.Sink
	loops       sync.WaitGroup // goroutines of the writers

	mu      sync.RWMutex
	schemas map[string]*schemaEntry
}

var (
	_ fact.Materializer = (*Materializer)(nil)
	_ fact.Preparer     = (*Materializer)(nil)
	_ fact.Admitter     = (*Materializer)(nil)
)

// New returns a Materializer. It checks the configuration and connects to
// nothing, so it works while the server is down.
func New(cfg Config) (*Materializer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := &Materializer{
		client:   cfg.Client,
		tables:   maps.Clone(cfg.Tables),
		allow:    slices.Clone(cfg.Allow),
		encode:   block.Options{UnknownKeys: cfg.UnknownKeys, CollectInto: cfg.CollectInto},
		timeout:  cfg.InsertTimeout,
		settings: insertSettings(cfg.InsertTimeout),
		log:      cfg.Logger,
		several:  groupcommit.NewRoom(cfg.MaxPendingBytes),
		config:   cfg,
		keepIDs:  cfg.Mode == Buffered && cfg.OnFailure != nil,
		schemas:  make(map[string]*schemaEntry),
	}
	m.sink = func(entry *schemaEntry) groupcommit.Sink { return &tableSink{m: m, entry: entry} }
	m.late.always = cfg.Mode == Buffered
	m.calls.init()
	m.inserts, m.stopInserts = context.WithCancelCause(context.Background())
	var err error
	if m.metrics, err = groupcommit.NewMetrics(cfg.MeterProvider, cfg.TracerProvider); err != nil {
		return nil, fmt.Errorf("materializer config: %w", err)
	}
	if m.client == nil {
		if m.client, err = Open(cfg.DSN, WithLogger(cfg.Logger)); err != nil {
			return nil, fmt.Errorf("materializer config: %w", err)
		}
		m.owned = true
	}
	var opts []migrate.Option
	if cfg.CreateDatabase {
		opts = append(opts, migrate.WithCreateDatabase())
	}
	m.migrator, m.inserter = migrate.New(m.client, opts...), insert.New(m.client)
	if m.observation, err = m.metrics.Observe(m.writers); err != nil {
		err = fmt.Errorf("materializer config: metrics: %w", err)
		if m.owned {
			err = errors.Join(err, m.client.Close())
		}
		return nil, err
	}
	return m, nil
}

// EnsureSchema makes the schemas known and their tables ready: it creates
// tables that do not exist, adds missing columns, and makes other changes that
// touch no rows or that [Config.Allow] permits. A table that differs otherwise
// is left alone, and the error, of class [ErrSchema], says how it differs; it
// wraps an [*UnchangedError] for each such table. The other tables are seen to. It may be called again, also by several processes at
// once. Nothing else changes a table that exists.
//
// A service can live with such an error: facts are stored as long as the columns
// of the table hold them exactly, whatever else differs, so that versions of a
// service with different schemas work side by side. What they do not hold is an
// error of class [ErrSchema] of Materialize.
//
// The schemas are known, and facts of them are accepted, even when the server
// cannot be reached and EnsureSchema fails with [ErrRetryable]: the tables are
// made ready before the first insert then. So a service may go on after that
// error. A schema of a known name with another definition is an error of class
// [ErrSchema].
func (m *Materializer) EnsureSchema(ctx context.Context, schemas ...fact.Schema) error {
	if len(schemas) == 0 {
		return nil
	}
	ctx, done, err := m.calls.enter(ctx)
	if err != nil {
		return fmt.Errorf("ensure schema: %w", err)
	}
	defer done()
	entries, err := m.remember(schemas)
	if err != nil {
		return fmt.Errorf("ensure schema: %w", err)
	}
	var problems []error
	for _, entry := range entries {
		err := m.makeReady(ctx, entry)
		if err != nil {
			_ = m.late.retryable(err) // notes outages; the caller hears what it is
			problems = append(problems, err)
		}
		if err != nil && !errors.Is(err, ErrSchema) {
			break
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("ensure schema: %w", err)
	}
	return nil
}

// Materialize stores the facts and returns when ClickHouse has stored all of
// their rows, or, in [Buffered] mode, when they have been accepted. It checks
// every fact before it sends any: a [*fact.FactError] says which one is wrong,
// and nothing is stored then. The rows of one schema go into its table in the
// order of the facts, all by one insert, which other calls may share.
//
// With facts of several schemas the tables are written one after the other, in
// the order of their names. When one fails after others have been written, the
// error is a [*PartialInsertError].
//
// When ctx ends before the rows have been sent, they are withdrawn and will not
// be stored. When it ends later, the error is ctx's and [ErrAmbiguous], and the
// insert goes on without its caller.
//
// A call that failed with [ErrRetryable] or [ErrAmbiguous] may be repeated. Of
// facts whose schema has a field for the fact ID, those that had been stored
// are not stored again; see docs/recording.md for other schemas.
func (m *Materializer) Materialize(ctx context.Context, facts ...fact.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	ctx, done, err := m.calls.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	p, err := m.admitAndPrepare(ctx, facts)
	if err != nil {
		return err
	}
	_, err = p.write(ctx, false)
	return err
}

// Prepare checks and encodes the facts, as Materialize does, and stores
// nothing. It does not talk to the server. It waits for nothing: what it encodes
// counts as pending until it is stored or discarded, whether there is room or not,
// which Admit waits for.
func (m *Materializer) Prepare(ctx context.Context, facts ...fact.Fact) (fact.Prepared, error) {
	if m.calls.isClosed() {
		return nil, errMaterializerClosed
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p, err := m.prepare(ctx, facts)
	if err != nil {
		return nil, err // not p: a nil *prepared would be a non-nil interface
	}
	return p, nil
}

// Ping checks that the server answers, that it accepts the credentials and
// that the database exists.
func (m *Materializer) Ping(ctx context.Context) error {
	ctx, done, err := m.calls.enter(ctx)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	defer done()
	return m.client.Ping(ctx)
}

// Close sends at once what has been accepted, waits for the calls that are
// running and for their rows, and then closes the connections, unless they
// belong to a Client given in the Config. When ctx ends first, the calls and
// the inserts are cancelled, buffered rows that are not stored are reported to
// [Config.OnFailure], and the error is ctx's. Calls made after Close has begun
// fail with [ErrClosed]. Closing again waits too and does nothing else.
func (m *Materializer) Close(ctx context.Context) error {
	err := m.calls.close(ctx, func() { m.seal() })
	if stopErr := m.stopWriters(ctx); err == nil {
		err = stopErr
	}
	if unregisterErr := m.observation.Unregister(); err == nil {
		err = unregisterErr
	}
	if m.owned {
		if closeErr := m.client.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return fmt.Errorf("close materializer: %w", err)
	}
	return nil
}

// stopWriters waits until everything is sent, or until ctx ends, and then ends
// the writers.
func (m *Materializer) stopWriters(ctx context.Context) error {
	idle := make(chan struct{})
	go func() {
		m.loops.Wait()
		close(idle)
	}()
	defer func() {
		m.stopInserts(errMaterializerClosed)
		<-idle
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	if len(m.seal()) == 0 {
		return nil // both at once: nothing is cut short
	}
	return context.Cause(ctx)
}

// seal makes all batches go at once and returns them.
func (m *Materializer) seal() []*groupcommit.Batch {
	var out []*groupcommit.Batch
	for _, w := range m.writers() {
		out = append(out, w.Seal()...)
	}
	return out
}

// remember compiles the schemas and adds them to the known ones. On an error
// it adds none.
func (m *Materializer) remember(schemas []fact.Schema) ([]*schemaEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries := make([]*schemaEntry, 0, len(schemas))
	fresh := make(map[string]*schemaEntry)
	for _, s := range schemas {
		entry := m.schemas[s.Name]
		if entry == nil {
			entry = fresh[s.Name]
		}
		if entry == nil {
			var err error
			if entry, err = m.newEntry(s); err != nil {
				return nil, chconn.SchemaError(err)
			}
			fresh[s.Name] = entry
		}
		if what, ok := differs(entry.schema, s); ok {
			return nil, chconn.SchemaError(fmt.Errorf("schema %q is known already with another definition: %s differs", s.Name, what))
		}
		entries = append(entries, entry)
	}
	maps.Copy(m.schemas, fresh)
	return entries, nil
}

func (m *Materializer) newEntry(s fact.Schema) (*schemaEntry, error) {
	layout, err := block.Compile(s, m.encode)
	if err != nil {
		return nil, err
	}
	options, err := m.optionsOf(s)
	if err != nil {
		return nil, err
	}
	table, err := ddl.NewTable(s, options)
	if err != nil {
		return nil, err
	}
	entry := newSchemaEntry(layout, table)
	entry.writer = m.newWriter(entry)
	return entry, nil
}

// newWriter returns the owner of the inserts into a table.
func (m *Materializer) newWriter(entry *schemaEntry) *groupcommit.Writer {
	cfg := groupcommit.Config{
		Table:           entry.table.Name,
		Layout:          entry.layout,
		FactIDs:         entry.factIDs,
		Sink:            m.sink(entry),
		MaxRows:         m.config.MaxBlockRows,
		MaxBytes:        m.config.MaxBlockBytes,
		MaxPendingBytes: m.config.MaxPendingBytes,
		Pace:            cmp.Or(m.config.Pace, DefaultPace),
		Eager:           m.config.Pace == 0,
		RetryBudget:     m.config.RetryBudget,
		Buffered:        m.config.Mode == Buffered,
		Inserts:         m.inserts,
		Looks:           m.calls.open,
		Goroutines:      &m.loops,
		Metrics:         m.metrics,
		Log:             m.log,
	}
	if f := m.config.OnFailure; f != nil {
		cfg.GaveUp = func(ids []string, err error) { f(Failure{Table: entry.table.Name, IDs: ids, Err: err}) }
	}
	return groupcommit.New(cfg)
}

// writers returns the writers of all known tables.
func (m *Materializer) writers() []*groupcommit.Writer {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]*groupcommit.Writer, 0, len(m.schemas))
	for _, entry := range m.schemas {
		out = append(out, entry.writer)
	}
	return out
}

// entry returns the entry of a known schema.
func (m *Materializer) entry(name string) (*schemaEntry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if entry, ok := m.schemas[name]; ok {
		return entry, nil
	}
	known := slices.Sorted(maps.Keys(m.schemas))
	return nil, &unknownSchemaError{name: name, known: known}
}
