package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/ddl"
)

// ensureTries is how often Ensure plans for one table. Every further try means
// that another process changed the table meanwhile.
const ensureTries = 8

// Ensure makes the tables as they are wanted: it creates those that do not
// exist, adds columns that are missing, and makes other changes that only touch
// metadata. A table that differs in a way that this cannot mend is left as it
// is, and the error, a [*ddl.RefusedError], says what differs. Columns that only
// the server knows are kept.
//
// Materialized views of the tables, and the targets that are defined with them,
// are made as well, each target before its view.
//
// It does nothing when nothing is to be done, and any number of processes may
// call it at once.
func (c *Client) Ensure(ctx context.Context, tables ...ddl.Table) error {
	return c.EnsureAllowing(ctx, nil, tables...)
}

// EnsureAllowing is Ensure that also runs statements of the hazards allowed.
func (c *Client) EnsureAllowing(ctx context.Context, allowed []ddl.Hazard, tables ...ddl.Table) error {
	if c.options.createDatabase && len(tables) > 0 {
		if err := c.ensureDatabase(ctx); err != nil {
			return err
		}
	}
	all, err := ddl.Expand(tables...)
	if err != nil {
		return &schemaError{fmt.Errorf("ensure: %w", err)}
	}
	for _, table := range all {
		if err := c.ensureTable(ctx, table, allowed); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) ensureTable(ctx context.Context, want ddl.Table, allowed []ddl.Hazard) error {
	last := errors.New("the server accepted the change and does not show it")
	for try := range ensureTries {
		plan, err := c.Plan(ctx, want)
		if err != nil {
			return err
		}
		if err := plan.Check(allowed...); err != nil {
			return &schemaError{fmt.Errorf("ensure: %w", err)}
		}
		if !anyPermitted(plan, allowed) {
			return nil // what is left is optional
		}
		err = c.Apply(ctx, plan, allowed...)
		if err == nil {
			continue // and see whether the plan is empty now
		}
		if !overtaken(err) {
			return fmt.Errorf("ensure: %w", err)
		}
		last = err
		if err := pause(ctx, try); err != nil {
			return c.fail(ctx, fmt.Sprintf("ensure table %q", want.TableName()), err, unsent)
		}
	}
	return &schemaError{fmt.Errorf("ensure: table %q still differs after %d tries: %w", want.TableName(), ensureTries, last)}
}

// anyPermitted reports whether a statement of the plan may be run.
func anyPermitted(plan ddl.Plan, allowed []ddl.Hazard) bool {
	return slices.ContainsFunc(plan.Statements, func(s ddl.Statement) bool { return s.Permitted(allowed...) })
}

// overtaken reports whether a statement may have failed because another
// process changed the table first, or whether it may have taken effect after
// all. The next plan tells.
func overtaken(err error) bool {
	if errors.Is(err, ErrRetryable) || errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrStalePlan) {
		return true
	}
	switch serverCode(err) {
	case codeDuplicateColumn, codeIllegalColumn, codeTableExists, codeUnknownTable, codeDatabaseExists,
		codeTableIsDropped, codeNoCreateQuery, codeReplicaExists:
		return true
	}
	return false
}

// pause waits a little, longer with every try and not as long as others do.
func pause(ctx context.Context, try int) error {
	most := 10 * time.Millisecond << min(try, 6)
	if !sleep(ctx, most/2+rand.N(most)) { //nolint:gosec // spreads load, keeps no secret
		return context.Cause(ctx)
	}
	return nil
}

// ensureDatabase creates the DSN's database if it does not exist.
func (c *Client) ensureDatabase(ctx context.Context) error {
	err := c.Ping(ctx)
	if serverCode(err) != codeUnknownDatabase {
		return err
	}
	op := fmt.Sprintf("create database %q", c.Database())
	opt := *c.driverOptions()
	opt.Auth.Database = "" // the server's default for the user
	conn, err := chgo.Open(&opt)
	if err != nil {
		return c.fail(ctx, op, err, unsent)
	}
	defer conn.Close()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+ddl.QuoteIdent(c.Database())); err != nil {
		return c.fail(ctx, op, err, sent)
	}
	return nil
}

// schemaError makes an error one of class ErrSchema.
type schemaError struct{ err error }

func (e *schemaError) Error() string   { return e.err.Error() }
func (e *schemaError) Unwrap() []error { return []error{e.err, ErrSchema} }
