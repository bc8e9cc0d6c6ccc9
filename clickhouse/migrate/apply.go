package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
)

// ErrStalePlan means that a table has changed since the plan for it was made,
// and that the plan is no longer what the table needs. Nothing more was done.
var ErrStalePlan = errors.New("the table has changed since the plan was made: plan again")

// Plan returns what has to be done to make the table as it is wanted. It
// changes nothing. The targets of its materialized views are tables of their
// own; see [ddl.Expand]. It looks at the connected server alone, whatever cluster the
// table is of: see [Migrator.PlanHosts].
func (m *Migrator) Plan(ctx context.Context, table ddl.Table, options ...diff.Option) (diff.Plan, error) {
	if table.Distributed != nil && !table.IsDistributed() {
		return diff.Plan{}, fmt.Errorf("plan: table %q is spread over shards and stands for two tables: plan for those that ddl.Expand returns", table.TableName())
	}
	table.Cluster = ""
	table, err := m.printed(ctx, table)
	if err != nil {
		return diff.Plan{}, err
	}
	if err := m.checkViews(ctx, table); err != nil {
		return diff.Plan{}, err
	}
	have, err := m.inspect(ctx, table.TableName(), table.ViewNames())
	if err != nil {
		return diff.Plan{}, err
	}
	return m.plan(ctx, diff.Compare(table, have, options...), have)
}

// plan returns the plan for what separates a table from the one that exists.
func (m *Migrator) plan(ctx context.Context, difference diff.Comparison, have *ddl.Table) (_ diff.Plan, err error) {
	if have == nil || difference.Empty() && have.Rebuild == nil {
		return difference.Plan(), nil // what is stored matters to changes alone
	}
	if have.Storage, err = m.storage(ctx, ddl.TableName{Database: have.Database, Name: have.Name}); err != nil {
		return diff.Plan{}, err
	}
	if have.Rebuild != nil || difference.NeedsRebuild() {
		if have.Rebuild, err = m.rebuildState(ctx, have); err != nil {
			return diff.Plan{}, err
		}
	}
	return difference.Plan(), nil
}

// Apply runs the statements of a plan in order and stops at the first that
// fails; then the error is a [*PartialError]. Statements of hazards other than
// [ddl.MetadataOnly] must be allowed; otherwise nothing is run and the error is
// a [*diff.RefusedError]. Optional statements that are not allowed are left out.
//
// A plan that [Migrator.Plan] made is compared with the table first. When it is
// no longer what the table needs, nothing is run and the error is
// [ErrStalePlan]. What another process has done of the same plan is not done
// again, so that any number of them may apply it at once.
//
// A statement that rewrites or deletes data is waited for until that is done,
// however long it takes; [WithMutationProgress] shows how far it is. When ctx
// ends before, the server goes on by itself, and the error says so. One that the
// server cannot carry out is an error with the server's reason. Optional
// statements, which build indexes and projections, are not waited for.
func (m *Migrator) Apply(ctx context.Context, plan diff.Plan, allowed ...ddl.Hazard) error {
	if err := plan.Check(allowed...); err != nil {
		return err
	}
	run := &applyRun{m: m, plan: plan, rest: plan, allowed: allowed}
	if err := run.begin(ctx); err != nil {
		return err
	}
	if err := run.refresh(ctx); err != nil {
		return err
	}
	for len(run.rest.Statements) > 0 {
		if err := run.step(ctx); err != nil {
			return err
		}
	}
	return run.verify(ctx)
}

// verify looks whether the table shows all that has been done: a server may
// accept a statement and do nothing. Replicated tables take a moment to show it.
func (r *applyRun) verify(ctx context.Context) error {
	if r.plan.Fingerprint == "" || len(r.applied) == 0 {
		return nil
	}
	for began, try := time.Now(), 0; ; try++ {
		now, err := r.replan(ctx)
		if err != nil {
			return &PartialError{Applied: r.applied, Failed: r.applied[len(r.applied)-1], Err: err}
		}
		i := slices.IndexFunc(r.applied, func(s diff.Statement) bool { return !s.Optional && hasSQL(now, s.SQL) })
		if i < 0 {
			return nil
		}
		if time.Since(began) > showTime {
			return &PartialError{Applied: slices.Delete(slices.Clone(r.applied), i, i+1), Failed: r.applied[i], Err: chconn.SchemaError(errNotShown)}
		}
		if err := retry.Pause(ctx, try); err != nil {
			return r.m.client.Fail(ctx, fmt.Sprintf("table %q", r.plan.Table), err, chconn.Sent)
		}
	}
}

// showTime is how long a server may take to show a change of metadata that it has
// accepted.
const showTime = time.Second

var errNotShown = errors.New("the server accepted the statement, and the table does not show it")

// applyRun is one call of Apply.
type applyRun struct {
	m       *Migrator
	plan    diff.Plan // as it was given
	rest    diff.Plan // what is left to do
	allowed []ddl.Hazard
	applied []diff.Statement
	known   []mutation // of the table when the run began
}

// begin looks whether the targets of materialized views are there, before
// anything is done, and remembers which mutations the table has, if there may be
// more of them.
func (r *applyRun) begin(ctx context.Context) (err error) {
	for _, s := range r.plan.Statements {
		if s.View != nil {
			if _, err := r.m.targetColumns(ctx, *s.View); err != nil {
				return fmt.Errorf("apply: nothing was changed: %w", err)
			}
		}
	}
	if slices.ContainsFunc(r.plan.Statements, func(s diff.Statement) bool { return s.Hazard > ddl.DropsMetadata && s.Permitted(r.allowed...) }) {
		r.known, err = r.m.mutations(ctx, r.plan.TableName())
	}
	return err
}

// step deals with the first statement that is left.
func (r *applyRun) step(ctx context.Context) error {
	s := r.rest.Statements[0]
	if s.Rebuild != nil {
		return r.rebuild(ctx, s)
	}
	if s.Hazard != ddl.MetadataOnly && !s.Optional {
		if err := r.refresh(ctx); err != nil {
			return &PartialError{Applied: r.applied, Failed: s, Err: err}
		}
		if len(r.rest.Statements) == 0 || r.rest.Statements[0].SQL != s.SQL {
			return nil // another process did it
		}
	}
	r.rest.Statements = r.rest.Statements[1:]
	if !s.Permitted(r.allowed...) {
		return nil // it is optional
	}
	err := r.run(ctx, s)
	if err == nil {
		r.done(ctx, s)
		return nil
	}
	if !errors.As(err, new(*mutationError)) && r.overtaken(ctx, s) {
		return nil
	}
	return &PartialError{Applied: r.applied, Failed: s, Err: err}
}

// run runs a statement.
func (r *applyRun) run(ctx context.Context, s diff.Statement) error {
	if s.View != nil {
		if err := r.m.checkView(ctx, *s.View); err != nil {
			return err
		}
	}
	if s.Check != nil {
		if err := (&rebuilder{m: r.m, Rebuild: s.Check}).checkAll(ctx); err != nil {
			return err
		}
	}
	if s.Hazard > ddl.DropsMetadata && strings.HasPrefix(s.SQL, "ALTER") && r.plan.TableName().Name != "" {
		return r.mutate(ctx, s)
	}
	return r.m.client.ExecAs(ctx, fmt.Sprintf("table %q", r.plan.Table), s.SQL)
}

// done notes and tells that a statement has been run.
func (r *applyRun) done(ctx context.Context, s diff.Statement) {
	r.applied = append(r.applied, s)
	level, log := slog.LevelInfo, r.m.client.Logger()
	if strings.HasPrefix(r.plan.TableName().Name, "_factload_") {
		level = slog.LevelDebug // nobody has asked for it
	}
	if strings.HasPrefix(s.SQL, "CREATE TABLE") {
		log.Log(ctx, level, "table created", "table", r.plan.Table)
	} else {
		log.Log(ctx, level, "table changed", "table", r.plan.Table, "why", s.Why)
	}
}

// rebuild has the table made anew, or the end of that, and sees what is left.
func (r *applyRun) rebuild(ctx context.Context, s diff.Statement) error {
	err := r.m.rebuild(ctx, s.Rebuild)
	if err == nil {
		r.done(ctx, s)
		err = r.refresh(ctx)
	}
	if err == nil && len(r.rest.Statements) > 0 && r.rest.Statements[0].SQL == s.SQL {
		err = errors.New("the table has been rebuilt and still needs it")
	}
	if err != nil {
		return &PartialError{Applied: r.applied, Failed: s, Err: err}
	}
	return nil
}

// refresh drops from the rest what is no longer to be done.
func (r *applyRun) refresh(ctx context.Context) error {
	if r.plan.Fingerprint == "" {
		return nil
	}
	now, err := r.replan(ctx)
	if err != nil {
		return err
	}
	for _, s := range now.Statements {
		if !hasSQL(r.plan, s.SQL) && (s.Rebuild == nil || !s.Rebuild.Finish) {
			return &stalePlanError{table: r.plan.Table, now: s}
		}
	}
	r.rest = now
	return nil
}

// replan returns the plan that leads from the present state to the same end.
func (r *applyRun) replan(ctx context.Context) (diff.Plan, error) {
	name := r.plan.TableName()
	have, err := r.m.inspect(ctx, name, r.plan.ViewNames())
	if err != nil {
		return diff.Plan{}, err
	}
	return r.m.plan(ctx, r.plan.Compare(have), have)
}

// overtaken reports whether a statement that failed need not be run any more:
// its answer got lost, or another process was faster.
func (r *applyRun) overtaken(ctx context.Context, failed diff.Statement) bool {
	if failed.Optional || r.plan.Fingerprint == "" {
		return false
	}
	if err := r.refresh(ctx); err != nil {
		return false
	}
	return !hasSQL(r.rest, failed.SQL)
}

func hasSQL(plan diff.Plan, sql string) bool {
	for _, s := range plan.Statements {
		if s.SQL == sql {
			return true
		}
	}
	return false
}

// stalePlanError says what the table needs now.
type stalePlanError struct {
	table string
	now   diff.Statement
}

func (e *stalePlanError) Error() string {
	return fmt.Sprintf("apply: table %q: %v; now it would need: %s", e.table, ErrStalePlan, e.now.Why)
}

func (e *stalePlanError) Is(target error) bool { return target == ErrStalePlan }

// PartialError says that a plan was carried out in part. Planning and applying
// again goes on from there.
type PartialError struct {
	// Applied are the statements that took effect.
	Applied []diff.Statement
	// Failed is the statement that did not.
	Failed diff.Statement
	// Err says why.
	Err error
}

// Error says what failed, and how many statements took effect before.
func (e *PartialError) Error() string {
	sql, _, more := strings.Cut(e.Failed.SQL, "\n")
	if more {
		sql += " …"
	}
	text := fmt.Sprintf("apply: %v: statement: %s", e.Err, sql)
	if e.Failed.Rebuild != nil {
		text = fmt.Sprintf("apply: %v", e.Err) // its statements are an outline
	}
	if n := len(e.Applied); n > 0 {
		text += fmt.Sprintf("; %d statements before it took effect", n)
	}
	return text
}

// Unwrap returns Err.
func (e *PartialError) Unwrap() error { return e.Err }
