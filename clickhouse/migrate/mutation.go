package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
)

// MutationProgress says how far the server has come with a statement that
// rewrites or deletes data.
type MutationProgress struct {
	// Table is the table that is changed.
	Table string
	// Statement is what was asked for.
	Statement diff.Statement
	// PartsLeft is the number of parts that are still to be rewritten.
	PartsLeft int64
	// Parts is the most that PartsLeft has been.
	Parts int64
	// Elapsed is the time since the server accepted the statement.
	Elapsed time.Duration
	// Done says that this is the last call for the statement.
	Done bool
}

// mutationSettings make the server answer when it has accepted a statement.
var mutationSettings = chgo.Settings{"alter_sync": "0", "mutations_sync": "0"}

// The time between two looks at a mutation.
const (
	firstMutationPoll = 10 * time.Millisecond
	mutationPoll      = time.Second
)

// settleTime is how long a server may take to show a change that it has made
// and finished. Replicated tables take a moment.
const settleTime = 30 * time.Second

// mutation is a row of system.mutations.
type mutation struct {
	ID      string `ch:"mutation_id"`
	Command string `ch:"command"`
	Done    uint8  `ch:"is_done"`
	Parts   int64  `ch:"parts_to_do"`
	Reason  string `ch:"latest_fail_reason"`
}

const mutationsSQL = `SELECT mutation_id, command, is_done, parts_to_do, latest_fail_reason
FROM system.mutations
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}
ORDER BY toUInt64OrZero(extract(mutation_id, '[0-9]+'))`

// mutations returns the mutations of a table that the server remembers, the
// oldest first.
func (m *Migrator) mutations(ctx context.Context, table ddl.TableName) ([]mutation, error) {
	var out []mutation
	err := m.client.SelectAs(ctx, fmt.Sprintf("mutations of table %q", table), &out, mutationsSQL, chconn.Param("database", table.Database), chconn.Param("table", table.Name))
	return out, err
}

func find(list []mutation, id string) (mutation, bool) {
	i := slices.IndexFunc(list, func(m mutation) bool { return m.ID == id })
	if i < 0 {
		return mutation{}, false
	}
	return list[i], true
}

// mutate runs a statement that rewrites or deletes data, and waits until that
// is done, however long it takes. It does not wait for optional statements.
func (r *applyRun) mutate(ctx context.Context, s diff.Statement) error {
	before, err := r.m.mutations(ctx, r.plan.TableName())
	if err != nil {
		return err
	}
	wait := mutationWait{run: r, statement: s, began: time.Now(), poll: firstMutationPoll}
	if same, ok := r.sameBegun(before, s); ok {
		wait.ids = []string{same.ID} // another process has begun it
	} else {
		settings := chgo.Context(ctx, chgo.WithSettings(mutationSettings))
		if err := r.m.client.ExecAs(settings, fmt.Sprintf("table %q", r.plan.Table), s.Unawaited()); err != nil {
			return err
		}
		wait.before = before
	}
	if s.Optional {
		return nil
	}
	return wait.until(ctx)
}

// sameBegun returns the mutation by which another process does the same: it is
// not done, or was begun after this run, and no later one drops anything.
func (r *applyRun) sameBegun(list []mutation, s diff.Statement) (mutation, bool) {
	for _, m := range slices.Backward(list) {
		_, old := find(r.known, m.ID)
		if strings.HasSuffix(plainCommand(s.Unawaited()), " "+plainCommand(m.Command)) {
			return m, m.Done == 0 || !old
		}
		if strings.Contains(m.Command, "DROP") {
			break
		}
	}
	return mutation{}, false
}

// plainCommand writes a command without what the server may print or not.
func plainCommand(sql string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("`", "", "(", "", ")", "").Replace(sql)), " ")
}

// mutationWait waits for the mutations that a statement has started.
type mutationWait struct {
	run       *applyRun
	statement diff.Statement
	before    []mutation // those that were there before
	ids       []string   // those to wait for
	began     time.Time
	poll      time.Duration
	shown     time.Time
	most      int64
	failing   time.Time // since when the server cannot be asked
}

// until returns when the mutations are done and the table shows it.
func (w *mutationWait) until(ctx context.Context) error {
	var settled time.Time
	for {
		left, err := w.look(ctx)
		switch {
		case err != nil && !w.bearable(err):
			return w.explained(ctx, err)
		case err == nil && left == 0:
			if settled.IsZero() {
				settled = time.Now()
			}
			if w.run.reached(ctx, w.statement) || time.Since(settled) > settleTime {
				w.show(0, true)
				return nil
			}
		case err == nil:
			w.show(left, false)
		}
		if !retry.Sleep(ctx, w.poll) {
			return w.explained(ctx, w.run.m.client.Fail(ctx, fmt.Sprintf("table %q", w.run.plan.Table), context.Cause(ctx), chconn.Sent))
		}
		w.poll = min(2*w.poll, mutationPoll)
	}
}

// look returns how many parts are left. A mutation that has failed is an error.
func (w *mutationWait) look(ctx context.Context) (int64, error) {
	list, err := w.run.m.mutations(ctx, w.run.plan.TableName())
	if err != nil {
		return 0, err
	}
	w.failing = time.Time{}
	if len(w.ids) == 0 {
		w.ids = w.started(list)
	}
	var left int64
	for _, id := range w.ids {
		m, ok := find(list, id)
		switch {
		case !ok:
			return 0, &mutationError{table: w.run.plan.TableName(), id: id, reason: "somebody has killed it"}
		case m.Done == 1:
		case m.Reason != "":
			return 0, &mutationError{table: w.run.plan.TableName(), id: id, reason: m.Reason, stuck: true}
		default:
			left += max(1, m.Parts)
		}
	}
	return left, nil
}

// bearable reports whether the wait goes on although the server could not be
// asked: a connection may break while data is rewritten for hours.
func (w *mutationWait) bearable(err error) bool {
	if !errors.Is(err, chconn.ErrRetryable) {
		return false
	}
	if w.failing.IsZero() {
		w.failing = time.Now()
	}
	return time.Since(w.failing) < w.run.m.client.ReadTimeout()
}

// explained says that the server goes on by itself when only the wait has ended.
func (w *mutationWait) explained(ctx context.Context, err error) error {
	var e *chconn.Error
	if ctx.Err() != nil && errors.As(err, &e) {
		e.Hint = "the server has accepted the statement and goes on with it; see system.mutations"
	}
	return err
}

// started returns the mutations that were not there before.
func (w *mutationWait) started(list []mutation) []string {
	var ids []string
	for _, m := range list {
		if _, old := find(w.before, m.ID); !old {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (w *mutationWait) show(left int64, done bool) {
	show := w.run.m.options.progress
	if show == nil || !done && time.Since(w.shown) < mutationPoll {
		return
	}
	w.shown, w.most = time.Now(), max(w.most, left)
	show(MutationProgress{
		Table: w.run.plan.Table, Statement: w.statement, PartsLeft: left, Parts: w.most, Elapsed: time.Since(w.began), Done: done,
	})
}

// reached reports whether the table no longer needs the statement.
func (r *applyRun) reached(ctx context.Context, s diff.Statement) bool {
	if r.plan.Fingerprint == "" {
		return true
	}
	now, err := r.replan(ctx)
	return err == nil && !hasSQL(now, s.SQL)
}

// mutationError says why a mutation will not be done.
type mutationError struct {
	table  ddl.TableName
	id     string
	reason string
	stuck  bool // it is still there, and the server tries it again and again
}

func (e *mutationError) Error() string {
	text := fmt.Sprintf("table %q: mutation %s failed: %s", e.table, e.id, chconn.Excerpt(e.reason))
	if e.stuck {
		text += fmt.Sprintf("; the server tries again until it succeeds or is told KILL MUTATION WHERE table = %s AND mutation_id = %s",
			ddl.QuoteString(e.table.Name), ddl.QuoteString(e.id))
	}
	return text
}

func (e *mutationError) Is(target error) bool { return target == chconn.ErrRejected }
