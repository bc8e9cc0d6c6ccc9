package fact_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/factload/factload/fact"
)

// rows stands for a real materializer, such as the one of package clickhouse.
type rows struct{ perTable map[string]int }

func (r rows) EnsureSchema(_ context.Context, schemas ...fact.Schema) error {
	for _, s := range schemas {
		r.perTable[s.Name] = 0
	}
	return nil
}

func (r rows) Materialize(_ context.Context, facts ...fact.Fact) error {
	for _, f := range facts {
		r.perTable[f.Schema]++
	}
	return nil
}

func ExamplePipeline() {
	ctx := context.Background()
	message := fact.Schema{
		Name: "message",
		Fields: []fact.Field{
			{Name: "message_id", FactID: true},
			{Name: "role", Type: fact.LowCardinalityString},
			{Name: "tokens", Type: fact.UInt32},
		},
		OrderBy: []string{"message_id"},
	}
	store := fact.NewMemoryStore()
	tables := rows{perTable: map[string]int{}}
	p := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(tables))
	if err := p.EnsureSchemas(ctx, message); err != nil {
		fmt.Println(err)
		return
	}
	err := p.Record(ctx,
		fact.Fact{Schema: "message", Data: map[string]any{"message_id": "m1", "role": "user", "tokens": 12}},
		fact.Fact{Schema: "message", Data: map[string]any{"message_id": "m2", "role": "assistant", "tokens": 340}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	events, _ := store.Load(ctx, "chat") // cannot fail here
	for _, e := range events {
		fmt.Println(e.Sequence, e.ID, e.Type, string(e.Data))
	}
	fmt.Println("rows:", tables.perTable["message"])
	// Output:
	// 1 m1 message {"message_id":"m1","role":"user","tokens":12}
	// 2 m2 message {"message_id":"m2","role":"assistant","tokens":340}
	// rows: 2
}

func ExamplePipeline_Record_refused() {
	p := fact.NewPipeline()
	err := p.Record(context.Background(),
		fact.Fact{Schema: "eval_result", ID: "r1", Data: map[string]any{"score": 0.5}},
		fact.Fact{Schema: "eval_result", ID: "r2", Data: map[string]any{"score": make(chan int)}},
	)
	fmt.Println(err)
	var refused *fact.FactError
	if errors.As(err, &refused) {
		fmt.Println("index:", refused.Index, "field:", refused.Field)
	}
	// Output:
	// validate: fact 1 (schema "eval_result", id "r2"): field "score": not a JSON value: json: unsupported type: chan int
	// index: 1 field: score
}

func ExampleSchema_Validate() {
	s := fact.Schema{
		Name: "message",
		Fields: []fact.Field{
			{Name: "role", Type: fact.LowCardinalityString},
			{Name: "score", Type: fact.Float64, Nullable: true},
			{Name: "price", Type: fact.Decimal},
		},
		OrderBy: []string{"score", "created_at"},
	}
	fmt.Println(s.Validate())
	// Output:
	// schema "message": field "price": has precision 0: a decimal takes 1 to 38
	// schema "message": field "score": is in order_by and nullable: a sorting key cannot hold NULL
	// schema "message": field "created_at": is in order_by but is not a field of the schema
}

func ExampleParseFieldType() {
	t, err := fact.ParseFieldType("low_cardinality_string")
	fmt.Println(t, err)
	// Output: low_cardinality_string <nil>
}

// answered is an event of a chat service.
type answered struct {
	Model  string `json:"model"`
	Tokens int    `json:"tokens"`
}

func (answered) EventType() string { return "answered" }

func ExampleMemoryStore() {
	ctx := context.Background()
	store := fact.NewMemoryStore()
	e, err := fact.NewEvent("conversation-7", answered{Model: "m-large", Tokens: 340})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Append(ctx, "conversation-7", []fact.Event{e, e}); err != nil {
		fmt.Println(err)
		return
	}
	later, _ := store.LoadFrom(ctx, "conversation-7", 1) // cannot fail here
	for _, e := range later {
		fmt.Println(e.Sequence, e.Type, string(e.Data))
	}
	// Output: 2 answered {"model":"m-large","tokens":340}
}

func ExampleMemoryStore_AppendAt() {
	ctx := context.Background()
	store := fact.NewMemoryStore()
	fmt.Println(store.AppendAt(ctx, "run-1", 0, []fact.Event{{Type: "started"}}))
	// Somebody else has not seen the first event yet.
	err := store.AppendAt(ctx, "run-1", 0, []fact.Event{{Type: "started"}})
	var conflict *fact.ConflictError
	if errors.As(err, &conflict) {
		fmt.Println("expected", conflict.Expected, "but is at", conflict.Actual)
	}
	// Output:
	// <nil>
	// expected 0 but is at 1
}

// tokenCount is a read model: tokens by model. It tells a stream of its own
// about every thousand tokens.
type tokenCount struct {
	store  fact.EventStore
	tokens map[string]int
}

func (c *tokenCount) Handle(ctx context.Context, e fact.Event) error {
	if e.Type != "answered" {
		return nil
	}
	var a answered
	if err := json.Unmarshal(e.Data, &a); err != nil {
		return err
	}
	before := c.tokens[a.Model]
	c.tokens[a.Model] += a.Tokens
	if before/1000 == c.tokens[a.Model]/1000 {
		return nil
	}
	// With the ctx of the projector, this is part of the same unit of work.
	return c.store.Append(ctx, "milestones", []fact.Event{{Type: "another thousand tokens"}})
}

func ExampleWithProjector() {
	ctx := context.Background()
	count := &tokenCount{tokens: map[string]int{}}
	store := fact.NewMemoryStore(fact.WithProjector(count))
	count.store = store
	for _, tokens := range []int{400, 700, 300} {
		e, err := fact.NewEvent("conversation-7", answered{Model: "m-large", Tokens: tokens})
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := store.Append(ctx, "conversation-7", []fact.Event{e}); err != nil {
			fmt.Println(err)
			return
		}
	}
	milestones, _ := store.Load(ctx, "milestones") // cannot fail here
	fmt.Println(count.tokens["m-large"], "tokens,", len(milestones), "milestone")
	// Output: 1400 tokens, 1 milestone
}

// printer is a publisher. A real one would send the events to a broker.
type printer struct{ to io.Writer }

func (p printer) Publish(_ context.Context, events []fact.Event) error {
	for _, e := range events {
		if _, err := fmt.Fprintln(p.to, "published", e.Stream, e.Sequence, e.Type); err != nil {
			return err
		}
	}
	return nil
}

func ExampleWithPublisher() {
	ctx := context.Background()
	store := fact.NewMemoryStore(fact.WithPublisher(printer{os.Stdout}))
	if err := store.Append(ctx, "run-1", []fact.Event{{Type: "started"}, {Type: "finished"}}); err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Close(ctx); err != nil { // waits for the publisher
		fmt.Println(err)
	}
	// Output:
	// published run-1 1 started
	// published run-1 2 finished
}

func ExampleFactFromEvent() {
	f, err := fact.FactFromEvent(fact.Event{
		ID: "m1", Type: "message", Data: json.RawMessage(`{"tokens":9007199254740993}`),
	})
	fmt.Println(f.Schema, f.ID, f.Data["tokens"], err)
	// Output: message m1 9007199254740993 <nil>
}
