package schemas_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/factload/factload/schemas"
)

func ExampleParse() {
	defs, err := schemas.Parse("review.yaml", []byte(`
name: review
order_by: [product, created_at]
fields:
  - {name: product, type: string}
  - {name: stars, type: uint8}
  - {name: text, type: string, nullable: true}
  - {name: created_at, type: datetime64}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range defs[0].Schema.Fields {
		fmt.Println(f.Name, f.Type)
	}
	// Output:
	// product string
	// stars uint8
	// text string
	// created_at datetime64
}

func ExampleParse_problems() {
	_, err := schemas.Parse("review.yaml", []byte(`name: review
order_by: [product, created]
fields:
  - {name: product, type: strng}
  - {name: stars, type: uint8, default: 300}
`))
	fmt.Println(err)
	// Output:
	// review.yaml:4:27: unknown type "strng", did you mean "string"? known types are string, low_cardinality_string, bool, uint16, uint32, float32, float64, datetime64, json, int8, int16, int32, int64, uint8, uint64, date, uuid, decimal, enum, string_map, native_json
	// review.yaml:5:41: default of uint8: 300 does not fit into uint8
}

func ExampleRegistry() {
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	def, err := registry.Get("message")
	fmt.Println(def.Description, err)
	_, err = registry.Get("mesage")
	fmt.Println(err)
	// Output:
	// One chat message, with what it took to produce it. <nil>
	// unknown schema "mesage", did you mean "message"? known schemas are conversation, eval_bfcl, eval_result, eval_run, event, message, model_price, tool_call
}

func ExampleFromStruct() {
	type Answer struct {
		ID        string          `fact:"id,fact_id"`
		Model     string          `fact:"model,low_cardinality_string"`
		Tokens    int             `fact:"tokens,uint32,default=0"`
		Score     *float64        `comment:"from 0 to 1"`
		Tags      []string        `fact:"tags"`
		Payload   json.RawMessage `fact:"payload"`
		CreatedAt time.Time
	}
	schema, err := schemas.FromStruct(Answer{}, schemas.StructOptions{OrderBy: []string{"created_at"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(schema.Name, schema.OrderBy)
	for _, f := range schema.Fields {
		fmt.Println(f.Name, f.Type, f.Nullable, f.Array)
	}
	// Output:
	// answer [created_at]
	// id string false false
	// model low_cardinality_string false false
	// tokens uint32 false false
	// score float64 true false
	// tags string false true
	// payload json false false
	// created_at datetime64 false false
}
