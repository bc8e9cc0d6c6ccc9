package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/ddl"
)

// ensureTries is how often Ensure plans for one table. Every further try means
// that another process changed the table meanwhile.
const ensureTries = 8

// Ensure makes the tables as they are wanted: it creates those that do not
// exist and adds columns that are missing. A table that differs in a way that
// this cannot mend is left as it is, and the error, a [*ddl.RefusedError], says
// what differs. Columns that only the server knows are kept.
//
// It does nothing when nothing is to be done, and any number of processes may
// call it at once.
func (c *Client) Ensure(ctx context.Context, tables ...ddl.Table) error {
	if c.options.createDatabase && len(tables) > 0 {
		if err := c.ensureDatabase(ctx); err != nil {
			return err
		}
	}
	for _, table := range tables {
		if err := c.ensureTable(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// Plan returns what has to be done to make the table as it is wanted. It
// changes nothing.
func (c *Client) Plan(ctx context.Context, table ddl.Table) (ddl.Plan, error) {
	have, err := c.inspect(ctx, table.TableName())
	if err != nil {
		return ddl.Plan{}, err
	}
	plan := ddl.NewPlan(ddl.Diff(table, have))
	if plan.Table == "" {
		plan.Table = table.TableName().String()
	}
	return plan, nil
}

// Apply runs the statements of a plan in order and stops at the first that
// fails. Statements of hazards other than [ddl.MetadataOnly] must be allowed;
// otherwise nothing is run and the error is a [*ddl.RefusedError]. When a
// statement fails the error is an [*ApplyError].
func (c *Client) Apply(ctx context.Context, plan ddl.Plan, allowed ...ddl.Hazard) error {
	if err := plan.Check(allowed...); err != nil {
		return err
	}
	for i, s := range plan.Statements {
		op := fmt.Sprintf("table %q", plan.Table)
		if err := c.exec(ctx, op, s.SQL); err != nil {
			return &ApplyError{Applied: plan.Statements[:i], Failed: s, Err: err}
		}
	}
	return nil
}

// ApplyError says that a plan was carried out in part.
type ApplyError struct {
	// Applied are the statements that took effect.
	Applied []ddl.Statement
	// Failed is the statement that did not.
	Failed ddl.Statement
	// Err says why.
	Err error
}

// Error says what failed, and how many statements took effect before.
func (e *ApplyError) Error() string {
	sql, _, more := strings.Cut(e.Failed.SQL, "\n")
	if more {
		sql += " …"
	}
	text := fmt.Sprintf("apply: %v: statement: %s", e.Err, sql)
	if n := len(e.Applied); n > 0 {
		text += fmt.Sprintf("; %d statements before it took effect", n)
	}
	return text
}

// Unwrap returns Err.
func (e *ApplyError) Unwrap() error { return e.Err }

func (c *Client) ensureTable(ctx context.Context, want ddl.Table) error {
	last := errors.New("the server accepted the change and does not show it")
	for try := range ensureTries {
		plan, err := c.Plan(ctx, want)
		if err != nil {
			return err
		}
		if plan.Empty() {
			return nil
		}
		if err := plan.Check(); err != nil {
			return &schemaError{fmt.Errorf("ensure: %w", err)}
		}
		err = c.Apply(ctx, plan)
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

// overtaken reports whether a statement may have failed because another
// process changed the table first, or whether it may have taken effect after
// all. The next plan tells.
func overtaken(err error) bool {
	if errors.Is(err, ErrRetryable) || errors.Is(err, ErrAmbiguous) {
		return true
	}
	switch serverCode(err) {
	case 15, // DUPLICATE_COLUMN
		44,  // ILLEGAL_COLUMN: a column of that name exists already
		57,  // TABLE_ALREADY_EXISTS
		60,  // UNKNOWN_TABLE: dropped meanwhile
		82,  // DATABASE_ALREADY_EXISTS
		218, // TABLE_IS_DROPPED
		253: // REPLICA_ALREADY_EXISTS
		return true
	}
	return false
}

// pause waits a little, longer with every try and not as long as others do.
func pause(ctx context.Context, try int) error {
	most := 10 * time.Millisecond << min(try, 6)
	timer := time.NewTimer(most/2 + rand.N(most)) //nolint:gosec // spreads load, keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
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
