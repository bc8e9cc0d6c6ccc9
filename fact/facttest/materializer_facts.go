package facttest

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest/internal/rows"
)

func ruleRowsAtOnce(s *subject) {
	m := s.ready(numbered("a"))
	var want []fact.Fact
	for n := range 5 {
		want = append(want, number("a", n))
		require.NoError(s, s.materialize(m, number("a", n)))
		s.stored(numbered("a"), data(want...)...)
	}
}

func ruleFactID(s *subject) {
	schema := numbered("a")
	schema.Fields = append(schema.Fields, fact.Field{Name: "id", Type: fact.String, FactID: true})
	m := s.ready(schema)
	f, same := number("a", 1), number("a", 2)
	same.Data["id"] = same.ID
	require.NoError(s, s.materialize(m, f, same))
	s.stored(schema,
		map[string]any{"n": 1, "word": "word 1", "id": f.ID},
		map[string]any{"n": 2, "word": "word 2", "id": same.ID})
	other, none := number("a", 3), number("a", 4)
	other.Data["id"] = "another"
	none.ID = ""
	s.refuses(m, 0, other)
	s.refuses(m, 0, none)
}

func ruleSeveralSchemas(s *subject) {
	m := s.ready(numbered("a"), numbered("b"), numbered("B b"))
	require.NoError(s, s.materialize(m,
		number("b", 1), number("a", 2), number("B b", 3), number("b", 4), number("a", 5)))
	s.stored(numbered("a"), data(number("a", 2), number("a", 5))...)
	s.stored(numbered("b"), data(number("b", 1), number("b", 4))...)
	s.stored(numbered("B b"), data(number("B b", 3))...)
}

// ruleEqualFacts has facts with the same values. They are different facts when
// their IDs differ, and when they have none.
func ruleEqualFacts(s *subject) {
	m := s.ready(numbered("a"))
	f := number("a", 1)
	withID := func(id string) fact.Fact { return fact.Fact{Schema: f.Schema, ID: id, Data: f.Data} }
	require.NoError(s, s.materialize(m, withID("1"), withID("2")))
	require.NoError(s, s.materialize(m, withID("3")))
	require.NoError(s, s.materialize(m, withID("4")))
	require.NoError(s, s.materialize(m, withID(""), withID("")))
	require.NoError(s, s.materialize(m, withID("")))
	require.NoError(s, s.materialize(m, withID("")))
	require.Len(s, s.target.Rows(numbered("a")), 8)
}

func ruleManyFacts(s *subject) {
	const n = 5000
	m := s.ready(numbered("a"))
	facts := make([]fact.Fact, n)
	for i := range facts {
		facts[i] = number("a", i)
	}
	require.NoError(s, s.materialize(m, facts...))
	got := s.target.Rows(numbered("a"))
	require.Len(s, got, n)
	seen := make(map[string]bool, n)
	for _, text := range rows.Texts(s, numbered("a"), got, rows.Read) {
		seen[text] = true
	}
	require.Len(s, seen, n, "different rows")
}

func ruleNoFacts(s *subject) {
	m := s.target.New()
	require.NoError(s, s.materialize(m))
	s.ensure(m, numbered("a"))
	require.NoError(s, s.materialize(m))
	s.stored(numbered("a"))
}

func ruleUnknownSchema(s *subject) {
	m := s.ready(numbered("a"))
	s.refuses(m, 1, number("a", 1), number("nowhere", 2))
	s.refuses(m, 0, fact.Fact{Data: map[string]any{"n": 1, "word": ""}})
	s.refuses(m, 0, number("A", 1))
	s.stored(numbered("a"))
	s.stored(numbered("nowhere"))
}

// ruleBadValues has one value that does not fit for each way to get that
// wrong.
func ruleBadValues(s *subject) {
	schema := fact.Schema{Name: "a", OrderBy: []string{"n"}, Fields: []fact.Field{
		{Name: "n", Type: fact.UInt16},
		{Name: "i", Type: fact.Int64},
		{Name: "s", Type: fact.String},
		{Name: "b", Type: fact.Bool},
		{Name: "t", Type: fact.DateTime64},
		{Name: "e", Type: fact.Enum, Values: []string{"x", "y"}},
		{Name: "l", Type: fact.UInt16, Array: true},
		{Name: "d", Type: fact.Decimal, Precision: 5, Scale: 2},
		{Name: "j", Type: fact.JSON},
	}}
	m := s.ready(schema)
	for _, bad := range []map[string]any{
		{"n": 65536},
		{"n": -1},
		{"n": 1.5},
		{"n": "7"},
		{"n": true},
		{"n": nil},
		{},
		{"i": uint64(1) << 63},
		{"i": 1e30},
		{"s": 7},
		{"s": []string{"x"}},
		{"s": nil},
		{"s": "\xff"},
		{"s": []byte("x")},
		{"b": 1},
		{"b": "true"},
		{"t": "tomorrow"},
		{"t": "2026-02-30T00:00:00Z"},
		{"t": true},
		{"e": "z"},
		{"e": 1},
		{"l": []int{1, 65536}},
		{"l": 1},
		{"l": nil},
		{"d": "1.234"},
		{"d": 12345},
		{"j": func() {}},
		{"j": "not JSON"},
		{"j": nil},
		{"unknown": 1},
		{"N": 1},
	} {
		values := maps.Clone(bad)
		if _, ok := values["n"]; !ok && len(values) > 0 {
			values["n"] = 1
		}
		s.refuses(m, 0, fact.Fact{Schema: "a", ID: "x", Data: values})
	}
	require.Empty(s, s.target.Rows(schema))
}

func ruleOneBadFact(s *subject) {
	m := s.ready(numbered("a"), numbered("b"))
	bad := number("a", 9)
	bad.Data["n"] = -9
	s.refuses(m, 0, bad, number("a", 1), number("b", 2))
	s.refuses(m, 1, number("a", 1), bad, number("b", 2))
	s.refuses(m, 2, number("a", 1), number("b", 2), bad)
	s.refuses(m, 1, number("b", 2), bad)
	s.stored(numbered("a"))
	s.stored(numbered("b"))
}

func ruleRefusedThenGood(s *subject) {
	m := s.ready(numbered("a"))
	bad := number("a", 9)
	bad.Data["word"] = 9
	var want []fact.Fact
	for n := range 4 {
		s.refuses(m, 1, number("a", 100+n), bad)
		require.NoError(s, s.materialize(m, number("a", n)))
		want = append(want, number("a", n))
	}
	s.stored(numbered("a"), data(want...)...)
}

// nested is a schema whose values share memory with the facts.
func nested() fact.Schema {
	schema := numbered("a")
	schema.Fields = append(schema.Fields,
		fact.Field{Name: "id", Type: fact.String, FactID: true},
		fact.Field{Name: "tags", Type: fact.String, Array: true},
		fact.Field{Name: "doc", Type: fact.JSON},
		fact.Field{Name: "meta", Type: fact.StringMap})
	return schema
}

func nestedFact(n int) fact.Fact {
	f := number("a", n)
	f.Data["tags"] = []string{"x", "y"}
	f.Data["doc"] = map[string]any{"k": []any{"v"}}
	f.Data["meta"] = map[string]string{"k": "v"}
	return f
}

// nestedRow is the row of nestedFact.
func nestedRow(n int) map[string]any {
	f := nestedFact(n)
	f.Data["id"] = f.ID
	return f.Data
}

// spoilValue changes all that a value of nestedFact points to.
func spoilValue(v any) {
	switch v := v.(type) {
	case []string:
		v[0] = "spoiled"
	case []any:
		v[0] = "spoiled"
	case map[string]string:
		v["k"] = "spoiled"
	case map[string]any:
		for key, inner := range v {
			spoilValue(inner)
			if _, isText := inner.(string); isText {
				v[key] = "spoiled"
			}
		}
		delete(v, "n")
	}
}

func ruleMapsUnchanged(s *subject) {
	m := s.ready(nested())
	facts := []fact.Fact{nestedFact(1), nestedFact(2)}
	require.NoError(s, s.materialize(m, facts...))
	require.Equal(s, []fact.Fact{nestedFact(1), nestedFact(2)}, facts)
	bad := nestedFact(3)
	bad.Data["n"] = "x"
	s.refuses(m, 1, facts[0], bad)
	require.Equal(s, nestedFact(1), facts[0])
}

func ruleMapsNotKept(s *subject) {
	m := s.ready(nested())
	facts := []fact.Fact{nestedFact(1), nestedFact(2)}
	require.NoError(s, s.materialize(m, facts...))
	spoilValue(facts[0].Data)
	spoilValue(facts[1].Data)
	require.NoError(s, s.materialize(m, nestedFact(3)))
	s.stored(nested(), nestedRow(1), nestedRow(2), nestedRow(3))
}

func ruleMaterializeEnded(s *subject) {
	m := s.ready(numbered("a"))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	err := s.returns("Materialize", func() error { return m.Materialize(ctx, number("a", 1)) })
	require.ErrorIs(s, err, context.Canceled)
	require.NoError(s, s.materialize(m, number("a", 2)))
	s.stored(numbered("a"), data(number("a", 2))...)
}

// ruleConcurrentCallers has callers of one and of several facts, to one table
// and to two, of whom every fifth has a bad fact among them.
func ruleConcurrentCallers(s *subject) {
	const callers, calls = 16, 5
	m := s.ready(numbered("a"), numbered("b"))
	err := s.returns("many Materialize", func() error {
		return concurrently(callers, func(c int) error {
			for i := range calls {
				if err := s.call(m, c, c*calls+i); err != nil {
					return err
				}
			}
			return nil
		})
	})
	require.NoError(s, err)
	var a, b []fact.Fact
	for c := range callers {
		for i := range calls {
			if n := c*calls + i; n%5 != 4 {
				a, b = append(a, number("a", n), number("a", 1000+n)), append(b, number("b", n))
			}
		}
	}
	s.stored(numbered("a"), data(a...)...)
	s.stored(numbered("b"), data(b...)...)
}

// call makes the n-th call of ruleConcurrentCallers.
func (s *subject) call(m fact.Materializer, caller, n int) error {
	facts := []fact.Fact{number("a", n), number("b", n), number("a", 1000+n)}
	bad := n%5 == 4
	if bad {
		facts[caller%3].Data["n"] = strings.Repeat("9", caller+1)
	}
	if err := m.Materialize(s.ctx, facts...); (err != nil) != bad {
		return fmt.Errorf("call %d: got error %w, want one: %t", n, err, bad)
	}
	return nil
}
