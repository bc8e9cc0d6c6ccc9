package facttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest/internal/rows"
)

// MaterializerTarget is a place for rows, empty at first, as
// [TestMaterializer] needs it.
type MaterializerTarget struct {
	// New returns a Materializer that knows no schema yet. Those of one target
	// write to the same tables, as the processes of one service do.
	New func() fact.Materializer

	// Rows returns the rows of the schema's table, in any order, with a value
	// for each field; none when there is no table. Values are Go values or what
	// encoding/json makes of them, best with json.Number: times as RFC 3339 or as
	// "2006-01-02 15:04:05.999" in UTC, decimals as numbers or text, NULL as nil,
	// and JSON fields as their text. A missing field and nil are the same.
	Rows func(schema fact.Schema) []map[string]any
}

// TestMaterializer checks that a materializer keeps the promises of
// [fact.Materializer], and those of [fact.Preparer] if it is one. If it has a
// method Close(context.Context) error, that is checked as well. newTarget is
// called for each rule and once more; what must be cleaned up goes to
// t.Cleanup. Rules run in parallel.
//
// Facts are refused and stored by the rules of factload's values (see
// docs/values.md): nothing is cut, wrapped around or dropped, unknown keys are
// errors.
func TestMaterializer(t *testing.T, newTarget func(t *testing.T) MaterializerTarget, opts ...Option) {
	t.Helper()
	rules := materializerRules()
	probe := newTarget(t).New()
	if _, ok := probe.(fact.Preparer); ok {
		rules = append(rules, preparerRules()...)
	}
	if c, ok := probe.(closer); ok {
		rules = append(rules, closeRules()...)
		require.NoError(t, c.Close(t.Context()))
	}
	runRules(t, rules, func(t *testing.T) func(*subject) { return targeting(newTarget(t)) }, opts)
}

// targeting is a subject's setup for rules about materializers.
func targeting(target MaterializerTarget) func(*subject) {
	return func(s *subject) { s.target = target }
}

func materializerRules() []rule {
	return []rule{
		{name: "EnsureSchema of no schemas does nothing", run: ruleEnsureNothing},
		{name: "EnsureSchema may be repeated and keeps the rows", run: ruleEnsureAgain},
		{name: "EnsureSchema by many callers at once", run: ruleEnsureConcurrently},
		{name: "EnsureSchema refuses an unsound schema", run: ruleEnsureUnsound},
		{name: "EnsureSchema with an ended ctx fails", run: ruleEnsureEnded},
		{name: "rows are there when Materialize returns", run: ruleRowsAtOnce},
		{name: "values of every type come back", run: ruleEveryType},
		{name: "missing keys become defaults, NULL or zero", run: ruleMissingKeys},
		{name: "the field that carries the ID has it", run: ruleFactID},
		{name: "facts of several schemas go to their own tables", run: ruleSeveralSchemas},
		{name: "equal facts are all stored", run: ruleEqualFacts},
		{name: "many facts in one call are all stored", run: ruleManyFacts},
		{name: "no facts: nil", run: ruleNoFacts},
		{name: "a fact of an unknown schema is refused", run: ruleUnknownSchema},
		{name: "values that do not fit are refused", run: ruleBadValues},
		{name: "one bad fact refuses its call as a whole", run: ruleOneBadFact},
		{name: "a refused call leaves nothing behind", run: ruleRefusedThenGood},
		{name: "the facts' maps are not changed", run: ruleMapsUnchanged},
		{name: "the facts' maps are not kept", run: ruleMapsNotKept},
		{name: "Materialize with an ended ctx stores nothing", run: ruleMaterializeEnded},
		{name: "concurrent callers get their own outcomes", run: ruleConcurrentCallers},
	}
}

// ready returns a Materializer that the schemas are ready for.
func (s *subject) ready(schemas ...fact.Schema) fact.Materializer {
	s.Helper()
	m := s.target.New()
	s.ensure(m, schemas...)
	return m
}

// ensure calls EnsureSchema, which must work.
func (s *subject) ensure(m fact.Materializer, schemas ...fact.Schema) {
	s.Helper()
	require.NoError(s, s.returns("EnsureSchema", func() error { return m.EnsureSchema(s.ctx, schemas...) }))
}

// materialize calls Materialize and returns its error, within the timeout.
func (s *subject) materialize(m fact.Materializer, facts ...fact.Fact) error {
	s.Helper()
	return s.returns("Materialize", func() error { return m.Materialize(s.ctx, facts...) })
}

// refuses calls Materialize, which must name the fact at fault.
func (s *subject) refuses(m fact.Materializer, index int, facts ...fact.Fact) {
	s.Helper()
	s.namesFact(s.materialize(m, facts...), index, facts[index])
}

// namesFact checks that the error is about the fact.
func (s *subject) namesFact(err error, index int, f fact.Fact) {
	s.Helper()
	require.Error(s, err, "of fact %v", f.Data)
	var refused *fact.FactError
	require.ErrorAs(s, err, &refused, "it says which fact it is about")
	require.Equal(s, index, refused.Index, "the index of the fact in: %v", err)
}

// stored checks the rows of the schema's table, in any order.
func (s *subject) stored(schema fact.Schema, want ...map[string]any) {
	s.Helper()
	got := s.target.Rows(schema)
	require.ElementsMatch(s, rows.Texts(s, schema, want, rows.Given), rows.Texts(s, schema, got, rows.Read), "rows of %q", schema.Name)
}

// numbered is a small schema: a number in order, and a word.
func numbered(name string) fact.Schema {
	return fact.Schema{
		Name: name,
		Fields: []fact.Field{
			{Name: "n", Type: fact.UInt32},
			{Name: "word", Type: fact.String},
		},
		OrderBy: []string{"n"},
	}
}

// number returns a fact of the schema numbered, and its row.
func number(schema string, n int) fact.Fact {
	return fact.Fact{Schema: schema, ID: fmt.Sprintf("%s-%d", schema, n), Data: map[string]any{"n": n, "word": fmt.Sprint("word ", n)}}
}

func data(facts ...fact.Fact) []map[string]any {
	rows := make([]map[string]any, len(facts))
	for i, f := range facts {
		rows[i] = f.Data
	}
	return rows
}

func ruleEnsureNothing(s *subject) {
	m := s.target.New()
	s.ensure(m)
	s.ensure(m, numbered("a"))
	s.ensure(m)
	s.stored(numbered("a"))
}

func ruleEnsureAgain(s *subject) {
	first := s.ready(numbered("a"), numbered("b"))
	require.NoError(s, s.materialize(first, number("a", 1)))
	s.ensure(first, numbered("b"), numbered("a"), numbered("c"), numbered("c"))
	second := s.ready(numbered("a"))
	s.ensure(second, numbered("a"))
	require.NoError(s, s.materialize(second, number("a", 2)))
	require.NoError(s, s.materialize(first, number("a", 3), number("c", 4)))
	s.stored(numbered("a"), data(number("a", 1), number("a", 2), number("a", 3))...)
	s.stored(numbered("b"))
	s.stored(numbered("c"), data(number("c", 4))...)
}

func ruleEnsureConcurrently(s *subject) {
	const callers = 8
	shared := s.target.New()
	err := s.returns("EnsureSchema by many callers", func() error {
		return concurrently(callers, func(i int) error {
			m := shared
			if i%2 == 1 {
				m = s.target.New()
			}
			if err := m.EnsureSchema(s.ctx, numbered("a"), numbered("b")); err != nil {
				return err
			}
			return m.Materialize(s.ctx, number("a", i), number("b", i))
		})
	})
	require.NoError(s, err)
	for _, name := range []string{"a", "b"} {
		var want []fact.Fact
		for i := range callers {
			want = append(want, number(name, i))
		}
		s.stored(numbered(name), data(want...)...)
	}
}

func ruleEnsureUnsound(s *subject) {
	m := s.target.New()
	twice := numbered("a")
	twice.Fields = append(slices.Clone(twice.Fields), twice.Fields[0])
	unsorted := numbered("a")
	unsorted.OrderBy = []string{"nowhere"}
	for _, schema := range []fact.Schema{{}, {Name: "empty"}, twice, unsorted} {
		err := s.returns("EnsureSchema", func() error { return m.EnsureSchema(s.ctx, schema) })
		require.Error(s, err, "of %+v", schema)
	}
	s.ensure(m, numbered("a"))
	require.NoError(s, s.materialize(m, number("a", 1)))
	s.stored(numbered("a"), data(number("a", 1))...)
}

func ruleEnsureEnded(s *subject) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	m := s.target.New()
	err := s.returns("EnsureSchema", func() error { return m.EnsureSchema(ctx, numbered("a")) })
	require.ErrorIs(s, err, context.Canceled)
	s.ensure(m, numbered("a"))
}

// concurrently calls do with 0 to n-1 at once and returns the first error.
func concurrently(n int, do func(i int) error) error {
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for i := range n {
		wg.Go(func() {
			if err := do(i); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return first
}
