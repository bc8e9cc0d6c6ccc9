package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var messages = fact.Schema{
	Name: "message",
	Fields: []fact.Field{
		{Name: "conversation_id", Type: fact.String},
		{Name: "role", Type: fact.LowCardinalityString},
		{Name: "prompt_tokens", Type: fact.UInt32, Default: 0},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"conversation_id", "created_at"},
}

// A service gives the Materializer to its pipeline and records facts.
func ExampleMaterializer() {
	ctx := context.Background()
	db, drop := enginetest.Example()
	defer drop()
	materializer, err := clickhouse.New(clickhouse.Config{
		DSN:    db.DSN, // such as clickhouse://app:secret@localhost:9000/chat
		Tables: map[string]ddl.Options{"message": {PartitionBy: "toYYYYMM(created_at)"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer materializer.Close(ctx)

	pipeline := fact.NewPipeline(fact.WithMaterializer(materializer))
	if err := pipeline.EnsureSchemas(ctx, messages); err != nil {
		fmt.Println(err)
		return
	}
	err = pipeline.Record(ctx, fact.Fact{Schema: "message", Data: map[string]any{
		"conversation_id": "c-1", "role": "user", "prompt_tokens": 12, "created_at": time.Now(),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, table := range materializer.Stats() {
		fmt.Printf("table %s has %d row more\n", table.Table, table.Rows)
	}
	// Output: table message has 1 row more
}

// The class of an error says whether to try again.
func ExampleMaterializer_Materialize_errors() {
	ctx := context.Background()
	materializer, err := clickhouse.New(clickhouse.Config{DSN: "clickhouse://app:secret@127.0.0.1:1/chat"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer materializer.Close(ctx)

	// The server is down, and the schema is known all the same.
	if err := materializer.EnsureSchema(ctx, messages); errors.Is(err, clickhouse.ErrRetryable) {
		fmt.Println("not now:", err)
	}

	// A bad fact is found without the server.
	err = materializer.Materialize(ctx, fact.Fact{Schema: "message", Data: map[string]any{
		"conversation_id": "c-1", "role": "user", "prompt_tokens": -1, "created_at": "2026-02-03T04:05:06Z",
	}})
	var bad *block.FieldError
	if errors.As(err, &bad) {
		fmt.Println("never:", bad.Field, bad.Value)
	}
	// Output:
	// not now: ensure schema: table "message": connect to 127.0.0.1:1: connection refused: is the server running? "factload serve" starts one
	// never: prompt_tokens -1
}
