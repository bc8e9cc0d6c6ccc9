package bulk_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/fact"
)

// Load a file into ClickHouse. Run it again, and nothing is loaded twice.
func ExampleLoad() {
	client, err := clickhouse.Open("clickhouse://user:password@localhost:9000/evals")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	answers := fact.Schema{
		Name: "answers",
		Fields: []fact.Field{
			{Name: "model", Type: fact.LowCardinalityString},
			{Name: "passed", Type: fact.Bool},
		},
		OrderBy: []string{"model"},
	}
	sum, err := bulk.Load(context.Background(), bulk.Config{
		Client:  client,
		Targets: map[string]bulk.Target{"answers": {Schema: answers}},
		Schema:  "answers",
		Inputs:  []string{"answers/"},
		Rejects: "rejects.jsonl",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows loaded, %d rejected, %d were there already\n", sum.Rows, sum.Rejected, sum.SkippedRows)
}

// Check a file without a server.
func ExampleLoad_dryRun() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "answers.jsonl")
	text := `{"model":"a","passed":true}
{"model":"b","passed":"yes"}
{"model":"c","passed":false}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	sum, err := bulk.Load(context.Background(), bulk.Config{
		DryRun: true,
		Targets: map[string]bulk.Target{"answers": {Schema: fact.Schema{
			Name: "answers",
			Fields: []fact.Field{
				{Name: "model", Type: fact.LowCardinalityString},
				{Name: "passed", Type: fact.Bool},
			},
			OrderBy: []string{"model"},
		}}},
		Schema: "answers",
		Inputs: []string{path},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sum.Rows, "rows are good")
	for _, e := range sum.FirstRejects {
		fmt.Printf("line %d: field %s: %s\n", e.Line, e.Field, e.Value)
	}
	// Output:
	// 2 rows are good
	// line 2: field passed: "yes"
}
