package clickhouse

import (
	"context"
	"errors"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// ensure does for an insert what EnsureSchema could not do while the server was
// not to be reached. A table that differs and stays as it is takes the insert
// all the same, if its columns hold the rows.
func (m *Materializer) ensure(ctx context.Context, entry *schemaEntry) error {
	if entry.ready.Load() || entry.refused.Load() {
		return nil
	}
	err := m.makeReady(ctx, entry)
	if errors.Is(err, ErrSchema) {
		return nil
	}
	if err != nil {
		m.log.WarnContext(ctx, "table is not ready", "table", entry.table.Name, "error", chconn.ForLog(err))
	}
	return err
}

// makeReady gets the table of a schema ready, once.
func (m *Materializer) makeReady(ctx context.Context, entry *schemaEntry) error {
	if entry.ready.Load() {
		return nil
	}
	select {
	case entry.ensuring <- struct{}{}:
		defer func() { <-entry.ensuring }()
	case <-ctx.Done():
		return m.client.Fail(ctx, fmt.Sprintf("ensure table %q", entry.table.Name), context.Cause(ctx), chconn.Unsent)
	}
	if entry.ready.Load() {
		return nil
	}
	if err := m.migrator.EnsureAllowing(ctx, m.allow, entry.table); err != nil {
		if errors.Is(err, ErrSchema) && !entry.refused.Swap(true) {
			m.metrics.Refused(ctx, entry.table.Name)
			m.log.WarnContext(ctx, "table differs from its schema and stays as it is: facts are stored if its columns hold them", "table", entry.table.Name, "error", chconn.ForLog(err))
			m.warnOnce(ctx, entry)
		}
		return err
	}
	entry.refused.Store(false)
	m.warnOnce(ctx, entry)
	entry.ready.Store(true)
	m.log.DebugContext(ctx, "table is ready", "table", entry.table.Name)
	return nil
}

// warnOnce says once what of the promise does not hold for a table: that repeated
// inserts may be stored twice, and what its views fill may lack rows after a fault.
func (m *Materializer) warnOnce(ctx context.Context, entry *schemaEntry) {
	deduplicates, err := m.inserter.Deduplicates(ctx, entry.table.Name)
	if err != nil || !entry.warned.CompareAndSwap(false, true) {
		return
	}
	outside, _ := m.inserter.OutsideViews(ctx, entry.table.Name, entry.layout) // a user who may not look is told when it matters
	for _, view := range outside {
		m.log.WarnContext(ctx, "what a materialized view fills may lack rows after a fault, and is not completed",
			"table", entry.table.Name, "view", view.Name, "reason", view.Reason)
	}
	if !deduplicates {
		m.log.WarnContext(ctx, "the table keeps no deduplication window: an insert whose answer is lost may be stored twice when it is repeated",
			"table", entry.table.Name, "fix", "ALTER TABLE "+ddl.QuoteIdent(entry.table.Name)+" MODIFY SETTING non_replicated_deduplication_window = "+fmt.Sprint(ddl.DeduplicationWindow))
	}
}
