package bulk_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

var answers = fact.Schema{
	Name: "answers",
	Fields: []fact.Field{
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "passed", Type: fact.Bool},
	},
	OrderBy: []string{"model"},
}

// answersFile writes three rows, of which one is bad.
func answersFile() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "answers.jsonl")
	err = os.WriteFile(path, []byte(`{"model":"a","passed":true}
{"model":"b","passed":"yes"}
{"model":"c","passed":false}
`), 0o600)
	return path, func() { _ = os.RemoveAll(dir) }, err
}

// Load a file into ClickHouse. Run it again, and nothing is loaded twice.
func ExampleLoad() {
	path, remove, err := answersFile()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	db, drop := enginetest.Example()
	defer drop()
	client, err := chconn.Open(db.DSN) // such as clickhouse://user:password@localhost:9000/evals
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	for range 2 {
		sum, err := bulk.Load(context.Background(), bulk.Config{
			Client:  client,
			Targets: map[string]bulk.Target{"answers": {Schema: answers}},
			Schema:  "answers",
			Inputs:  []string{path},
			Rejects: path + ".rejects",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d rows loaded, %d rejected, %d were there already\n", sum.Rows, sum.Rejected, sum.SkippedRows)
	}
	// Output:
	// 2 rows loaded, 1 rejected, 0 were there already
	// 0 rows loaded, 0 rejected, 2 were there already
}

// Check a file without a server.
func ExampleLoad_dryRun() {
	path, remove, err := answersFile()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	sum, err := bulk.Load(context.Background(), bulk.Config{
		DryRun:  true,
		Targets: map[string]bulk.Target{"answers": {Schema: answers}},
		Schema:  "answers",
		Inputs:  []string{path},
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
