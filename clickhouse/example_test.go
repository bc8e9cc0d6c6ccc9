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
	// not now: ensure schema: inspect table "message": connect to 127.0.0.1:1: connection refused: is the server running? "factload serve" starts one
	// never: prompt_tokens -1
}

// A Client runs queries, and can have the server format their answers.
func ExampleClient_QueryFormat() {
	db, drop := enginetest.Example()
	defer drop()
	client, err := clickhouse.Open(db.DSN) // such as clickhouse://app:secret@localhost:9000/chat
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	err = client.QueryFormat(context.Background(), os.Stdout, "CSVWithNames",
		"SELECT number, sqrt(number) AS root FROM numbers(10) WHERE root = {root:Float64}", clickhouse.Param("root", 3))
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// "number","root"
	// 9,3
}

// A block can be inserted again under its token until the answer is known.
func ExampleClient_Insert() {
	ctx := context.Background()
	db, drop := enginetest.Example()
	defer drop()
	client, err := clickhouse.Open(db.DSN) // such as clickhouse://app:secret@localhost:9000/chat
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	table, err := ddl.NewTable(messages, ddl.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := client.Ensure(ctx, table); err != nil {
		fmt.Println(err)
		return
	}
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
	for range 3 { // also when the first one has taken effect
		if err := client.Insert(ctx, insert); err != nil && !errors.Is(err, clickhouse.ErrRetryable) && !errors.Is(err, clickhouse.ErrAmbiguous) {
			fmt.Println(err)
			return
		}
	}
	if err := client.QueryFormat(ctx, os.Stdout, "TSV", "SELECT count(), any(role) FROM message"); err != nil {
		fmt.Println(err)
	}
	// Output: 1	user
}

// A password never shows.
func ExampleRedactDSN() {
	fmt.Println(clickhouse.RedactDSN("clickhouse://app:secret@localhost:9000/chat?secure=true"))
	// Output: clickhouse://app:xxxxx@localhost:9000/chat?secure=true
}
