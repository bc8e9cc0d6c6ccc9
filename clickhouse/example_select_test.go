package clickhouse_test

import (
	"context"
	"fmt"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

// Answer is one answer of a chat model.
type Answer struct {
	ID        string `fact:"id,fact_id"`
	Model     string `fact:"model,low_cardinality"`
	Score     *float64
	CreatedAt time.Time
}

func printAnswers(ctx context.Context, client *clickhouse.Client, schema fact.Schema) error {
	for answer, err := range clickhouse.Select[Answer](ctx, client, schema,
		"WHERE model = {model:String} ORDER BY created_at", clickhouse.Param("model", "small-1")) {
		if err != nil {
			return err
		}
		fmt.Println(answer.ID, *answer.Score)
	}
	return nil
}

// Rows come back as the structs that they were recorded from.
func ExampleSelect() {
	ctx := context.Background()
	db, drop := enginetest.Example()
	defer drop()
	client, err := clickhouse.Open(db.DSN)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	schema, err := schemas.FromStruct(Answer{}, schemas.StructOptions{OrderBy: []string{"model", "created_at"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	materializer, err := clickhouse.New(clickhouse.Config{Client: client})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer materializer.Close(ctx)
	pipeline := fact.NewPipeline(fact.WithMaterializer(materializer))
	if err := pipeline.EnsureSchemas(ctx, schema); err != nil {
		fmt.Println(err)
		return
	}
	score, at := 0.5, time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	if err := pipeline.Record(ctx, fact.Of(&Answer{ID: "a1", Model: "small-1", Score: &score, CreatedAt: at})); err != nil {
		fmt.Println(err)
		return
	}
	if err := printAnswers(ctx, client, schema); err != nil {
		fmt.Println(err)
	}
	// Output: a1 0.5
}
