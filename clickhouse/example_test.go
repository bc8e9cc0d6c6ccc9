package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
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
	materializer, err := clickhouse.New(clickhouse.Config{
		DSN:    "clickhouse://app:secret@localhost:9000/chat",
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
	}
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
	// not now: ensure schema: inspect table "message": connect to 127.0.0.1:1: connection refused: is the server running? "factload serve" starts one
	// never: prompt_tokens -1
}

// A Client runs queries, and can have the server format their answers.
func ExampleClient_QueryFormat() {
	client, err := clickhouse.Open("clickhouse://app:secret@localhost:9000/chat")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	err = client.QueryFormat(context.Background(), os.Stdout, "PrettyCompact",
		"SELECT role, count() FROM message WHERE conversation_id = {id:String} GROUP BY role", clickhouse.Param("id", "c-1"))
	if err != nil {
		fmt.Println(err)
	}
}

// A block can be inserted again under its token until the answer is known.
func ExampleClient_Insert() {
	ctx := context.Background()
	client, err := clickhouse.Open("clickhouse://app:secret@localhost:9000/chat")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	layout, err := block.Compile(messages, block.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := layout.NewBlock()
	if err := rows.AppendJSON([]byte(`{"conversation_id":"c-1","role":"user","created_at":"2026-02-03T04:05:06Z"}`)); err != nil {
		fmt.Println(err)
		return
	}
	insert := clickhouse.Insert{Table: "message", Block: rows, Token: "file-1 chunk-7"}
	for range 3 {
		err = client.Insert(ctx, insert)
		if !errors.Is(err, clickhouse.ErrRetryable) && !errors.Is(err, clickhouse.ErrAmbiguous) {
			break
		}
	}
	if err != nil {
		fmt.Println(err)
	}
}

// A password never shows.
func ExampleRedactDSN() {
	fmt.Println(clickhouse.RedactDSN("clickhouse://app:secret@localhost:9000/chat?secure=true"))
	// Output: clickhouse://app:xxxxx@localhost:9000/chat?secure=true
}
