package insert_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/migrate"
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

// A block can be inserted again under its token until the answer is known.
func ExampleInserter_Insert() {
	ctx := context.Background()
	db, drop := enginetest.Example()
	defer drop()
	client, err := chconn.Open(db.DSN) // such as clickhouse://app:secret@localhost:9000/chat
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
	if err := migrate.New(client).Ensure(ctx, table); err != nil {
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
	inserter := insert.New(client)
	rowsOnce := insert.Insert{Table: "message", Block: rows, Token: "file-1 chunk-7"}
	for range 3 { // also when the first one has taken effect
		if err := inserter.Insert(ctx, rowsOnce); err != nil && !errors.Is(err, chconn.ErrRetryable) && !errors.Is(err, chconn.ErrAmbiguous) {
			fmt.Println(err)
			return
		}
	}
	if err := client.QueryFormat(ctx, os.Stdout, "TSV", "SELECT count(), any(role) FROM message"); err != nil {
		fmt.Println(err)
	}
	// Output: 1	user
}
