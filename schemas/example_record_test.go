package schemas_test

import (
	"context"
	"fmt"
	"time"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// Answer is one answer of a chat model.
type Answer struct {
	ID        string `fact:"id,fact_id"` // empty: Record makes one
	Model     string `fact:"model,low_cardinality"`
	Tokens    int    `fact:"tokens,uint32"`
	Score     *float64
	CreatedAt time.Time
}

func recordAnswer(ctx context.Context, pipeline *fact.Pipeline) error {
	schema, err := schemas.FromStruct(Answer{}, schemas.StructOptions{OrderBy: []string{"model", "created_at"}})
	if err != nil {
		return err
	}
	if err := pipeline.EnsureSchemas(ctx, schema); err != nil {
		return err
	}
	answer := Answer{ID: "a1", Model: "small-1", Tokens: 3, CreatedAt: time.UnixMilli(1767323045678).UTC()}
	return pipeline.Record(ctx, fact.Of(&answer))
}

// A struct is a schema and carries its facts.
func ExampleFromStruct_record() {
	ctx := context.Background()
	store := fact.NewMemoryStore()
	if err := recordAnswer(ctx, fact.NewPipeline(fact.WithStore(store, "chat"))); err != nil {
		fmt.Println(err)
		return
	}
	events, _ := store.Load(ctx, "chat") // cannot fail here
	fmt.Println(events[0].ID, events[0].Type, string(events[0].Data))
	// Output:
	// a1 answer {"created_at":"2026-01-02T03:04:05.678Z","id":"a1","model":"small-1","tokens":3}
}
