package fact_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

// answer is a fact as a service would define it.
type answer struct {
	tenant
	AnswerID string `fact:"answer_id,fact_id"`
	Model    string `fact:",low_cardinality" comment:"Model that answered"`
	Tokens   int    `fact:"tokens,uint32,default=0"`
	Score    *float64
	Tags     []string
	Extra    map[string]any `fact:"extra,json"`
	At       time.Time      `fact:"created_at,omitzero"`
	Cache    any            `fact:"-"`
	hidden   int
}

type tenant struct{ Project string }

// called is a struct that names its schema itself.
type called struct{ Name, A string }

func (c called) EventType() string { return c.Name }

func TestValueInTheLog(t *testing.T) {
	t.Parallel()
	_ = answer{}.hidden
	half := 0.5
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"zero", answer{}, `{"model":"","project":"","tokens":0}`},
		{"pointer", &answer{}, `{"model":"","project":"","tokens":0}`},
		{"full", &answer{
			tenant: tenant{"p<1>"}, AnswerID: "a1", Model: "m\n", Tokens: 3, Score: &half, Tags: []string{}, Extra: map[string]any{"k": nil},
			At: time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600)), Cache: make(chan int),
		}, `{"answer_id":"a1","created_at":"2026-01-02T03:04:05.0000006+01:00","extra":{"k":null},"model":"m\n","project":"p<1>","score":0.5,"tags":[],"tokens":3}`},
		{"no fields", struct{}{}, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := fact.Fact{Schema: "answer", ID: "x", Value: c.value}
			e, err := fact.NewEvent("s", f)
			require.NoError(t, err)
			require.Equal(t, c.want, string(e.Data))
			require.Equal(t, "answer", e.Type)
			data, err := f.Map()
			require.NoError(t, err)
			again, err := fact.NewEvent("s", fact.Fact{Schema: "answer", ID: "x", Data: data})
			require.NoError(t, err)
			require.Equal(t, c.want, string(again.Data))
			asJSON, err := json.Marshal([]fact.Fact{f})
			require.NoError(t, err)
			require.JSONEq(t, `[{"schema":"answer","id":"x","data":`+c.want+`}]`, string(asJSON))
		})
	}
}

// nested is a struct whose fields stand inside of objects of the row.
type nested struct {
	ID     string `fact:"id,fact_id,from=custom_id"`
	Model  string `fact:"model,from=response.body.model"`
	In     *int   `fact:"input,uint32,from=response.body.usage.in"`
	Status int    `fact:"status,from=response.\"status,code\""`
	Plain  bool
}

func TestNestedValueInTheLog(t *testing.T) {
	t.Parallel()
	three := 3
	for want, value := range map[string]nested{
		`{"plain":false,"response":{"body":{"model":""},"status,code":0}}`:                                    {},
		`{"custom_id":"a","plain":true,"response":{"body":{"model":"m","usage":{"in":3}},"status,code":200}}`: {ID: "a", Model: "m", In: &three, Status: 200, Plain: true},
	} {
		e, err := fact.NewEvent("s", fact.Of(value))
		require.NoError(t, err)
		require.Equal(t, want, string(e.Data))
		data, err := fact.Of(value).Map()
		require.NoError(t, err)
		again, err := fact.NewEvent("s", fact.Fact{Schema: "nested", Data: data})
		require.NoError(t, err)
		require.Equal(t, want, string(again.Data))
	}
	_, err := fact.StructOf(reflect.TypeFor[struct {
		A int `fact:"a,from=x.y"`
		B int `fact:"b,from=x"`
		C int `fact:"c,from=z.0"`
		D int `fact:"d,from=z..1"`
	}]())
	require.ErrorContains(t, err, `field B: is put at x, which field "a" takes too, or takes a part of`)
	require.ErrorContains(t, err, `field C: option "from" names an element of an array`)
	require.ErrorContains(t, err, `field D: option "from": a key is empty`)

	_, err = fact.NewEncoder(fact.Schema{Name: "nested", Fields: []fact.Field{{Name: "id", FactID: true}}}).Append(nil, fact.Of(nested{}))
	require.ErrorContains(t, err, `field "id" of the schema is taken from id, but the struct has it at custom_id: give both the same from`)
}

func TestFactJSON(t *testing.T) {
	t.Parallel()
	f := fact.Fact{Schema: "s", Data: map[string]any{"a": "<b>"}}
	got, err := json.Marshal(f)
	require.NoError(t, err)
	require.Equal(t, `{"schema":"s","data":{"a":"\u003cb\u003e"}}`, string(got))
	var back fact.Fact
	require.NoError(t, json.Unmarshal(got, &back))
	require.Equal(t, f, back)
	_, err = json.Marshal(fact.Fact{Schema: "s", Value: 3})
	require.ErrorContains(t, err, "the value is int: give a struct or a pointer to one")
}

func TestOf(t *testing.T) {
	t.Parallel()
	a := &answer{}
	require.Equal(t, fact.Fact{Schema: "answer", Value: a}, fact.Of(a))
	require.Equal(t, fact.Fact{Schema: "answer", Value: answer{}}, fact.Of(answer{}))
	require.Equal(t, "mine", fact.Of(called{Name: "mine"}).Schema)
	require.Equal(t, "mine", fact.Of(&called{Name: "mine"}).Schema)
	require.Empty(t, fact.Of(nil).Schema)
	require.Empty(t, fact.Of(7).Schema)
	require.Empty(t, fact.Of(struct{ A int }{}).Schema)
}

func TestRecordValue(t *testing.T) {
	t.Parallel()
	store, m := fact.NewMemoryStore(), &preparing{}
	told := &storetest.Published{}
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m), fact.WithPipelinePublisher(told))
	require.NoError(t, p.EnsureSchemas(t.Context(), fact.Schema{
		Name:   "answer",
		Fields: []fact.Field{{Name: "answer_id", FactID: true}, {Name: "project"}, {Name: "model"}, {Name: "tokens", Type: fact.UInt32}},
	}))
	mine := &answer{AnswerID: "a1", Tokens: 3}
	require.NoError(t, p.Record(t.Context(), fact.Of(mine), fact.Of(&answer{Tokens: 4}),
		fact.Fact{Schema: "answer", Data: map[string]any{"tokens": 5}}))
	events, err := store.Load(context.Background(), "s")
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, "a1", events[0].ID)
	require.JSONEq(t, `{"answer_id":"a1","model":"","project":"","tokens":3}`, string(events[0].Data))
	require.Regexp(t, `^[0-9a-f]{32}$`, events[1].ID, "an empty ID is a new one")
	require.JSONEq(t, `{"model":"","project":"","tokens":4}`, string(events[1].Data))
	stored := m.All()
	require.Len(t, stored, 3)
	for i, f := range stored {
		require.Nil(t, f.Data)
		require.Equal(t, events[i].Data, f.Value, "rows are made from what the log keeps")
	}
	require.Equal(t, events[1].ID, stored[1].ID)
	require.NoError(t, p.Close(t.Context()))
	require.Len(t, told.All(), 1)
	back, err := fact.FactFromEvent(events[0])
	require.NoError(t, err)
	require.Equal(t, map[string]any{"answer_id": "a1", "model": "", "project": "", "tokens": json.Number("3")}, back.Data)
}

// refusing marshals as text, but not now.
type refusing struct{}

func (refusing) MarshalText() ([]byte, error) { return nil, errors.New("not now") }

func TestRecordValueRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		f    fact.Fact
		want string
	}{
		{"both", fact.Fact{Schema: "s", Data: map[string]any{}, Value: answer{}}, `: has both Data and Value: give one of them`},
		{"no struct", fact.Fact{Schema: "s", Value: "text"}, `the value is string: give a struct or a pointer to one`},
		{"nil", fact.Fact{Schema: "s", Value: (*answer)(nil)}, `the value is a nil *fact_test.answer: give a pointer to a struct`},
		{"no struct to be named by", fact.Of(7), `the value is int: give a struct or a pointer to one`},
		{"nothing to be named by", fact.Of(nil), `has no schema: set Fact.Schema to the name of one`},
		{"no name", fact.Of(struct{ A int }{}), `has no schema: set Fact.Schema to the name of one`},
		{"bad type", fact.Of(badStruct{}), `struct fact_test.badStruct, field A: unknown option or type "nope"`},
		{"no object", fact.Fact{Schema: "s", Value: json.RawMessage("[1]")}, `data is not a JSON object: "[1]"`},
		{"bad type with schema", fact.Fact{Schema: "s", Value: badStruct{}}, `struct fact_test.badStruct, field A: unknown option or type "nope": known are`},
		{"bad text", fact.Of(&answer{Model: "\xff"}), `field "model": text is not valid UTF-8`},
		{"bad list", fact.Of(&answer{Tags: []string{"\xff"}}), `field "tags": element 0: text is not valid UTF-8`},
		{"bad name", fact.Fact{Schema: "s", Value: badName{}}, `field A: its name is not valid UTF-8`},
		{"own error", fact.Fact{Schema: "s", Value: struct{ A refusing }{}}, `field "a": not a JSON value: json: error calling MarshalText for type fact_test.refusing: not now`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := fact.NewMemoryStore()
			p := fact.NewPipeline(fact.WithStore(store, "s"))
			c.f.ID = ""
			err := p.Record(t.Context(), c.f)
			require.ErrorContains(t, err, c.want)
			var refused *fact.FactError
			require.ErrorAs(t, err, &refused)
			storetest.RequireStream(t, store, "s")
		})
	}
}

type badStruct struct {
	A int `fact:"a,nope"`
}

type badName struct {
	A int `fact:"a\xe2"`
}

func TestStructOf(t *testing.T) {
	t.Parallel()
	s, err := fact.StructOf(reflect.TypeFor[answer]())
	require.NoError(t, err)
	again, err := fact.StructOf(reflect.TypeFor[answer]())
	require.NoError(t, err)
	require.Same(t, s, again)
	require.Equal(t, "answer", s.Name())
	var got []string
	for _, f := range s.Fields() {
		got = append(got, fmt.Sprintf("%s %s %v typed=%v omitzero=%v", f.GoName, f.Field.Name, f.Field.Type, f.Typed, f.OmitZero))
	}
	require.Equal(t, []string{
		"tenant.Project project string typed=true omitzero=false",
		"AnswerID answer_id string typed=true omitzero=true",
		"Model model low_cardinality_string typed=true omitzero=false",
		"Tokens tokens uint32 typed=true omitzero=false",
		"Score score float64 typed=true omitzero=false",
		"Tags tags string typed=true omitzero=false",
		"Extra extra json typed=true omitzero=false",
		"At created_at datetime64 typed=true omitzero=true",
	}, got)
	_, err = fact.StructOf(reflect.TypeFor[int]())
	require.EqualError(t, err, "struct int: want a struct or a pointer to one")
	_, err = fact.StructOf(nil)
	require.EqualError(t, err, "struct <nil>: want a struct or a pointer to one")
	_, err = fact.StructOf(reflect.TypeFor[badStruct]())
	require.Error(t, err)
	_, second := fact.StructOf(reflect.TypeFor[badStruct]())
	require.Equal(t, err, second)
}
