// Service records three facts, in the server of FACTLOAD_DSN. The first go run compiles for a minute
// or more and says nothing meanwhile; with -v it names the packages.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
)

// answer is one answer of a chat model.
var answer = fact.Schema{
	Name: "answer",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "tokens", Type: fact.UInt32},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"model", "created_at"},
}

// record writes three facts to the log and to ClickHouse.
func record(ctx context.Context, dsn string, store fact.EventStore) error {
	tables, err := clickhouse.New(clickhouse.Config{DSN: dsn})
	if err != nil {
		return err
	}
	defer tables.Close(ctx)
	pipeline := fact.NewPipeline(fact.WithStore(store, "chat"), fact.WithMaterializer(tables))
	if err := pipeline.EnsureSchemas(ctx, answer); err != nil {
		return err
	}
	for tokens := 1; tokens <= 3; tokens++ {
		err := pipeline.Record(ctx, fact.Fact{Schema: "answer", Data: map[string]any{
			"model": "small-1", "tokens": tokens, "created_at": time.Now(),
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := record(context.Background(), os.Getenv("FACTLOAD_DSN"), fact.NewMemoryStore()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
