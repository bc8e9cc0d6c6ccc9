package block_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
)

var message = fact.Schema{
	Name: "message",
	Fields: []fact.Field{
		{Name: "conversation_id", Type: fact.String},
		{Name: "role", Type: fact.LowCardinalityString},
		{Name: "prompt_tokens", Type: fact.UInt32},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"conversation_id", "created_at"},
}

// Facts of a service and lines of a file go into the same block, under the
// same rules.
func Example() {
	layout, err := block.Compile(message, block.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := layout.NewBlock()
	err = b.AppendFact("", map[string]any{
		"conversation_id": "c-1", "role": "user", "prompt_tokens": 12, "created_at": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	fmt.Println("fact:", err)
	err = b.AppendJSON([]byte(`{"conversation_id":"c-1","role":"assistant","created_at":"2026-01-02T03:04:06Z"}`))
	fmt.Println("line:", err)
	fmt.Println(b.Rows(), "rows in", len(b.Input()), "columns")
	// Output:
	// fact: <nil>
	// line: <nil>
	// 2 rows in 4 columns
}

// A row that breaks a rule is refused with everything that is known about it,
// and the block stays as it was.
func ExampleFieldError() {
	layout, err := block.Compile(message, block.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := layout.NewBlock()
	err = b.AppendJSON([]byte(`{"conversation_id":"c-1","prompt_tokens":4294967296,"created_at":"2026-01-02T03:04:06Z"}`))
	fmt.Println(err)
	var fe *block.FieldError
	if errors.As(err, &fe) {
		fmt.Println(fe.Field, fe.Value, fe.Offset, block.Reason(err), errors.Is(err, block.ErrRange))
	}
	fmt.Println(b.Rows(), "rows")
	// Output:
	// field "prompt_tokens": 4294967296 is out of range for uint32 (0 to 4294967295): use a wider integer type in the schema
	// prompt_tokens 4294967296 41 range true
	// 0 rows
}

// Keys that the schema does not know can be kept in a JSON field.
func ExampleOptions() {
	schema := fact.Schema{
		Name: "event",
		Fields: []fact.Field{
			{Name: "name", Type: fact.String},
			{Name: "rest", Type: fact.JSON},
		},
	}
	layout, err := block.Compile(schema, block.Options{UnknownKeys: block.CollectUnknown, CollectInto: "rest"})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := layout.NewBlock()
	fmt.Println(b.AppendJSON([]byte(`{"name":"login","ip":"10.0.0.1","tries":2}`)))
	// Output: <nil>
}
