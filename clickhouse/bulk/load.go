package bulk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/clickhouse/bulk/internal/rejects"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/fact"
)

// Load loads the inputs and returns what it has done, also when it fails. See
// the package comment for what is guaranteed.
//
// Rejected rows are no error, unless there are more than cfg.MaxRejects; look
// at Summary.Rejected. Errors are of kind [ErrConfig], [ErrTooManyRejects],
// [ErrChanged], [ErrRulesChanged] or [*InputError], or come from the server or from the rejects
// file. When ctx ends, the load stops with what it has under way finished, and
// the error wraps the context's. After any error the same load can be run
// again, and goes on where it stopped.
func Load(ctx context.Context, cfg Config) (Summary, error) {
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	if cfg.DryRun {
		return loadInto(ctx, cfg, nil)
	}
	return loadInto(ctx, cfg, serverOf(cfg.Client))
}

// loadInto loads into a server, or checks only when there is none. The
// configuration is valid.
func loadInto(ctx context.Context, cfg Config, to server) (Summary, error) {
	cfg = cfg.withDefaults()
	files, err := input.Expand(cfg.Inputs, cfg.Rejects)
	if err != nil {
		return Summary{}, asInputError(err)
	}
	own, err := ownServer(cfg.Client, to)
	if err != nil {
		return Summary{}, err
	}
	l := &load{cfg: cfg, id: fact.NewEventID(), files: files, counters: newCounters(files), server: to, own: own}
	if err := l.chooseSchema(ctx); err != nil {
		return Summary{}, l.wrap(ctx, err)
	}
	defer l.closeFirst()
	l.root = rootToken(l.cfg.Format, l.cfg.Schema)
	if l.tables, err = newTables(l.cfg.Targets, l.cfg.Schema, l.cfg.Decode); err != nil {
		return Summary{}, err
	}
	l.rules = decodeFingerprint(&l.cfg, l.tables)
	l.form = inputForm(&l.cfg)
	if l.columns, err = columnsOf(&l.cfg, files, l.root); err != nil {
		return Summary{}, err
	}
	if cfg.Rejects != "" {
		if err := rejects.CheckPlace(cfg.Rejects); err != nil {
			return Summary{}, fmt.Errorf("rejects file %w", err)
		}
	}
	stop := l.report()
	err = l.run(ctx)
	sum := l.counters.summary()
	if sum.Chunks > 0 && to != nil {
		sum.Load = l.id
	}
	stop()
	return sum, err
}

// grace is how long inserts that are under way may take after a load was told
// to stop.
const grace = 10 * time.Second

// load is one call of Load.
type load struct {
	cfg      Config
	id       string
	number   uint64 // of the load, among those that the ledger knows
	files    []*input.File
	tables   map[string]*table
	counters *counters
	server   server // nil for a dry run
	own      server // where the ledger is
	ledger   *ledger
	root     token // where chains begin
	rules    string
	form     input.Form // how rows are found in inputs
	// columns are the columns that inputs give their rows. Nil when they give none.
	columns map[*input.File]fileColumns
	// first is the first input when it has been opened to look at its first row.
	first *input.Source
	// unfinished are the loads of the same inputs that did not come to their end
	// and that this one goes on with.
	unfinished map[string]bool
	known      rejects.Known // of the rejects file
}

// run prepares and runs the pipeline, and makes errors of its end plain.
func (l *load) run(ctx context.Context) error {
	if err := l.prepare(ctx); err != nil {
		return l.wrap(ctx, err)
	}
	if err := newPipeline(ctx, l).run(); err != nil {
		if retry.Passing(err) {
			err = fmt.Errorf("%w: run the same load again to go on", err)
		}
		return l.wrap(ctx, err)
	}
	if err := l.judge(true); err != nil {
		return err
	}
	if l.server != nil && l.cfg.Format == Rows && l.counters.onlySkipped() {
		return l.wrap(ctx, l.checkTable(ctx))
	}
	return nil
}

// judge returns an error when too many rows were rejected. At the end of the
// load, last is true.
func (l *load) judge(last bool) error {
	rows, rejected := l.counters.judged()
	if !l.cfg.MaxRejects.exceeded(rows, rejected, last) {
		return nil
	}
	return l.tooManyRejects()
}

// tooManyRejects says how a load goes on that was stopped. Input of which
// something is loaded cannot be fixed in its place, as it counts as changed
// then.
func (l *load) tooManyRejects() error {
	rows, rejected := l.counters.judged()
	advice := "fix the input, or raise the limit"
	if l.server != nil {
		advice = "what was finished stays loaded: to go on, run the same load again with a higher limit, and load what it has rejected when that is fixed; " +
			"an input can be fixed in its place only as long as nothing of it is loaded"
	}
	return fmt.Errorf("%w: %d of %d, and the limit is %s: %s", ErrTooManyRejects, rejected, rows+rejected, l.cfg.MaxRejects, advice)
}

const emptySQL = `SELECT ifNull(count() = 0 OR sum(total_rows) = 0, false) AS empty FROM system.tables WHERE database = currentDatabase() AND name = {name:String}`

// tableIsEmpty reports whether the table of bare rows has nothing, or is gone.
func (l *load) tableIsEmpty(ctx context.Context) (bool, error) {
	var empty []bool
	err := l.server.Select(ctx, &empty, emptySQL, chconn.Param("name", l.cfg.Schema))
	return len(empty) == 1 && empty[0], err
}

// checkTable warns when everything was skipped and the table has nothing: then
// somebody has removed the rows and may wonder why they do not come back.
func (l *load) checkTable(ctx context.Context) error {
	empty, err := l.tableIsEmpty(ctx)
	if err != nil {
		return err
	}
	if empty {
		l.warn(fmt.Sprintf("everything is loaded already, says the ledger, but table %q is empty or gone: if its rows were removed on purpose, a forced load (--force) brings them back", l.cfg.Schema))
	}
	return nil
}

// wrap says how to go on after an interruption.
func (l *load) wrap(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("the load was interrupted: run the same load again to go on: %w", err)
	}
	return err
}

// rootToken returns where chains begin. Bare rows of different schemas have
// different chains, as the same line is another row. Envelopes say themselves
// what they are, so that they have one chain. Further options, and the fields
// of the schemas, are left out on purpose: to load a file again because of
// them would double all rows that were right.
func rootToken(format Format, schema string) token {
	if format == Rows {
		return newToken("factload chain 1", "rows", schema)
	}
	if format == OpenAIEvals {
		return newToken("factload chain 1", format.String())
	}
	return newToken("factload chain 1", "envelopes")
}

// prepare opens the ledger and the rejects file.
func (l *load) prepare(ctx context.Context) error {
	if l.server == nil {
		return l.prepareCheck()
	}
	// Whoever starts a load wants to know that the server is down. One that is there, and is
	// restarted at this moment, is waited for.
	var down error
	err := l.retrier(ctx).do(ctx, func(ctx context.Context, again bool) error {
		err := l.openLedger(ctx)
		if !again && chconn.NotConnected(err) {
			down = err
			return nil
		}
		return err
	})
	if err := errors.Join(down, err); err != nil {
		return err
	}
	if l.cfg.Rejects == "" {
		return nil
	}
	return l.tidyRejects(func() (map[string]bool, error) { return l.ledger.begun(ctx) })
}

// openLedger opens the ledger, and finds the loads that this one goes on with.
func (l *load) openLedger(ctx context.Context) (err error) {
	if l.ledger, err = openLedger(ctx, l.own); err != nil {
		return err
	}
	if err := l.lookBack(ctx); err != nil {
		return &ledgerError{err}
	}
	return nil
}

// lookBack finds the loads that this one goes on with.
func (l *load) lookBack(ctx context.Context) error {
	var err error
	if l.number, err = l.ledger.nextNumber(ctx); err != nil {
		return err
	}
	rows, err := l.ledger.loadsOf(ctx, l.root, l.inputsToken(), l.cfg.Force)
	if err != nil {
		return err
	}
	l.unfinished = make(map[string]bool)
	if l.cfg.Force {
		if n := len(rows); n > 0 && !rows[n-1].Done {
			return l.adopt(ctx, &rows[n-1])
		}
		return nil
	}
	ends := endsOf(rows)
	for i := range rows {
		if ends.state(&rows[i]) == LoadUnfinished {
			l.unfinished[rows[i].Load] = true
		}
	}
	return nil
}

// adopt goes on with the last forced load of the same inputs, under its name,
// unless that is certainly not what is wanted.
func (l *load) adopt(ctx context.Context, last *loadRow) error {
	which := fmt.Sprintf("the forced load %s of %s UTC, which has not come to its end", last.Load, last.Started.UTC().Format(time.DateTime))
	if last.Rules != "" && last.Rules != l.rules {
		l.warn("everything is loaded once more, without going on with " + which + ": the schema or the options have changed since")
		return nil
	}
	if l.cfg.Format == Rows {
		empty, err := l.tableIsEmpty(ctx)
		if err != nil {
			return err
		}
		if empty {
			l.cfg.Logger.Info("everything is loaded once more, without going on with " + which + ": the table is empty")
			return nil
		}
	}
	l.id, l.number = last.Load, last.Number
	l.unfinished[last.Load] = true
	l.warn("going on with " + which + ": what that has loaded is skipped; run the same load again afterwards to load everything once more")
	return nil
}

// prepareCheck makes room for the rejects of a dry run.
func (l *load) prepareCheck() error {
	if l.cfg.Rejects == "" {
		return nil
	}
	return l.tidyRejects(nil)
}

func (l *load) tidyRejects(begun func() (map[string]bool, error)) (err error) {
	if l.known, err = rejects.Tidy(l.cfg.Rejects, begun); err != nil {
		return fmt.Errorf("rejects file %s: %w", l.cfg.Rejects, input.Bare(err))
	}
	return nil
}

// inputsToken stands for the set of inputs.
func (l *load) inputsToken() token {
	paths := make(map[string]bool, len(l.files))
	for _, in := range l.files {
		paths[in.Path] = true
		if root := l.plainRoot(in); root != l.root {
			paths[root.String()] = true
		}
	}
	return newToken(slices.Sorted(maps.Keys(paths))...)
}

// rootOf returns where the chain of a file begins. That of a forced load is
// one of its own, for each file.
func (l *load) rootOf(in *input.File) token {
	if !l.cfg.Force {
		return l.plainRoot(in)
	}
	return newToken("forced", l.plainRoot(in).String(), l.id, in.Path)
}

// plainRoot returns where the chain of a file begins in loads without force.
func (l *load) plainRoot(in *input.File) token {
	if c, ok := l.columns[in]; ok {
		return c.root
	}
	return l.root
}

func (l *load) retrier(ctx context.Context) *retrier {
	return &retrier{budget: l.cfg.RetryBudget, stop: ctx.Done(), log: l.cfg.Logger}
}

// origin is what the ledger keeps of the load with each of its chunks.
func (l *load) origin() origin {
	return origin{load: l.id, number: l.number, schema: l.cfg.Schema, rules: l.rules, forced: l.cfg.Force}
}

// entry returns a ledger entry about the load as a whole.
func (l *load) entry(state string) ledgerEntry {
	e := ledgerEntry{
		parent: l.root, token: l.inputsToken(), state: state, load: l.id, number: l.number,
		schema: l.cfg.Schema, forced: l.cfg.Force, rules: l.rules, inputs: make([]uint64, 0, len(l.files)), time: time.Now(),
	}
	for _, in := range l.files {
		e.inputs = append(e.inputs, xxhash.Sum64String(in.Path))
	}
	const most = 4096
	for i, in := range l.files {
		name := input.ValidText(in.Name)
		if len(e.file)+len(name) > most {
			e.file += fmt.Sprintf(" and %d more", len(l.files)-i)
			break
		}
		e.file = strings.TrimPrefix(e.file+" "+name, " ")
	}
	return e
}

// warn adds a warning to the summary and logs it.
func (l *load) warn(text string) {
	l.counters.warn(text)
	l.cfg.Logger.Warn(text)
}

// report calls Config.Progress now and then until stop is called, and once
// more then.
func (l *load) report() (stop func()) {
	if l.cfg.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(l.cfg.progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.cfg.Progress(l.counters.progress())
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
		p := l.counters.progress()
		p.Done = true
		l.cfg.Progress(p)
	}
}
