package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
)

// ensureTries is how often Ensure plans for one table. Every further try means
// that another process changed the table meanwhile.
const ensureTries = 8

// UnchangedError says that a table differs from what is wanted and stays as it is, since the
// change is not permitted, the server refuses it, or stored values do not fit. It is of class
// [ErrSchema]. Rows can be inserted all the same if the columns hold them.
type UnchangedError struct {
	// Err says why: a [*diff.RefusedError], a [*MisfitError] or a server's error, perhaps wrapped.
	Err error
}

// Error is that of Err.
func (e *UnchangedError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UnchangedError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrSchema].
func (e *UnchangedError) Is(target error) bool { return target == chconn.ErrSchema }

// Ensure makes the tables as they are wanted: it creates those that do not
// exist, adds columns that are missing, and makes other changes that only touch
// metadata. A table that differs in a way that this cannot fix is left as it
// is, and the error, an [*UnchangedError], says what differs. Columns that only
// the server knows are kept.
//
// Materialized views of the tables, and the targets that are defined with them,
// are made as well, each target before its view.
//
// Tables of a cluster are seen to on each of its hosts. When one fails, the others
// are seen to all the same, and the error names it.
//
// It does nothing when nothing is to be done, and any number of processes may
// call it at once.
func (m *Migrator) Ensure(ctx context.Context, tables ...ddl.Table) error {
	return m.EnsureAllowing(ctx, nil, tables...)
}

// EnsureAllowing is Ensure that also runs statements of the hazards allowed.
func (m *Migrator) EnsureAllowing(ctx context.Context, allowed []ddl.Hazard, tables ...ddl.Table) error {
	if m.options.createDatabase && len(tables) > 0 {
		if err := m.ensureDatabase(ctx); err != nil {
			return err
		}
	}
	all, err := ddl.Expand(tables...)
	if err != nil {
		return chconn.SchemaError(fmt.Errorf("ensure: %w", err))
	}
	for _, table := range all {
		if err := m.ensureHosts(ctx, table, allowed); err != nil {
			return err
		}
	}
	return nil
}

// Create creates the tables that do not exist, and leaves those that exist as they
// are, whatever they are. It reports whether there were any.
func (m *Migrator) Create(ctx context.Context, tables ...ddl.Table) (created bool, err error) {
	all, err := ddl.Expand(tables...)
	if err != nil {
		return false, chconn.SchemaError(fmt.Errorf("create: %w", err))
	}
	for _, table := range all {
		hosts, err := m.hosts(ctx, table)
		if err != nil {
			return created, err
		}
		for _, h := range hosts {
			have, err := h.migrator.inspect(ctx, h.table.TableName(), nil)
			if err == nil && have == nil {
				created, err = true, h.migrator.ensureTable(ctx, h.table, nil)
			}
			if err != nil {
				return created, onHost(h.name, err)
			}
		}
	}
	return created, nil
}

func (m *Migrator) ensureTable(ctx context.Context, want ddl.Table, allowed []ddl.Hazard) error {
	var last error
	for try := range ensureTries {
		plan, err := m.Plan(ctx, want)
		if err != nil {
			return m.unchanged(ctx, want, err)
		}
		if err := plan.Check(allowed...); err != nil {
			return &UnchangedError{fmt.Errorf("ensure: %w", err)}
		}
		if !anyPermitted(plan, allowed) {
			return nil // what is left is optional
		}
		err = m.Apply(ctx, plan, allowed...)
		if err == nil {
			return nil // it has looked whether the table is as it should be
		}
		if !overtaken(err) {
			return m.unchanged(ctx, want, fmt.Errorf("ensure: %w", err))
		}
		last = err
		if err := retry.Pause(ctx, try); err != nil {
			return m.client.Fail(ctx, fmt.Sprintf("ensure table %q", want.TableName()), err, chconn.Unsent)
		}
	}
	return chconn.SchemaError(fmt.Errorf("ensure: table %q still differs after %d tries: %w", want.TableName(), ensureTries, last))
}

// unchanged returns what a refusal means for a table that exists: it stays as it is.
func (m *Migrator) unchanged(ctx context.Context, want ddl.Table, refusal error) error {
	if !errors.Is(refusal, chconn.ErrRejected) {
		return refusal
	}
	have, err := m.inspect(ctx, want.TableName(), nil)
	if err != nil || have == nil {
		return refusal
	}
	return &UnchangedError{refusal}
}

// anyPermitted reports whether a statement of the plan may be run.
func anyPermitted(plan diff.Plan, allowed []ddl.Hazard) bool {
	return slices.ContainsFunc(plan.Statements, func(s diff.Statement) bool { return s.Permitted(allowed...) })
}

// overtaken reports whether a statement may have failed because another
// process changed the table first, or whether it may have taken effect after
// all. The next plan tells.
func overtaken(err error) bool {
	if errors.Is(err, chconn.ErrRetryable) || errors.Is(err, chconn.ErrAmbiguous) || errors.Is(err, ErrStalePlan) || errors.Is(err, errNotShown) {
		return true
	}
	switch chconn.ServerCode(err) {
	case chconn.CodeDuplicateColumn, chconn.CodeIllegalColumn, chconn.CodeTableExists, chconn.CodeUnknownTable, chconn.CodeDatabaseExists,
		chconn.CodeTableIsDropped, chconn.CodeNoCreateQuery, chconn.CodeReplicaExists:
		return true
	}
	return false
}

// ensureDatabase creates the DSN's database if it does not exist.
func (m *Migrator) ensureDatabase(ctx context.Context) error {
	err := m.client.Ping(ctx)
	if chconn.ServerCode(err) != chconn.CodeUnknownDatabase {
		return err
	}
	return m.client.CreateDatabase(ctx)
}
