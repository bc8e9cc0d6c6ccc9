package diff_test

import (
	"fmt"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
)

func ExampleMakePlan() {
	schema := fact.Schema{
		Name:    "message",
		Fields:  []fact.Field{{Name: "id", Type: fact.String}, {Name: "tokens", Type: fact.UInt32}},
		OrderBy: []string{"id"},
	}
	have, err := ddl.NewTable(schema, ddl.Options{}) // stands for what a server has
	if err != nil {
		fmt.Println(err)
		return
	}
	schema.Fields[1].Type = fact.UInt64
	schema.Fields = append(schema.Fields, fact.Field{Name: "model", Type: fact.LowCardinalityString})
	want, err := ddl.NewTable(schema, ddl.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan := diff.MakePlan(want, &have)
	for _, s := range plan.Statements {
		fmt.Printf("%s: %s\n", s.Hazard, s.SQL)
	}
	fmt.Println(plan.Check())
	// Output:
	// rewrites_data: ALTER TABLE `message` MODIFY COLUMN `tokens` UInt64
	// metadata_only: ALTER TABLE `message` ADD COLUMN IF NOT EXISTS `model` LowCardinality(String) AFTER `tokens`
	// table "message": 1 of 2 changes not permitted, nothing was changed
	//   rewrites_data: change column "tokens" from UInt32 to UInt64; every stored value fits the new type
	//     ALTER TABLE `message` MODIFY COLUMN `tokens` UInt64
	//   to go on, permit rewrites_data (factload apply --allow rewrites_data, or Config.Allow in a service), or run the statements by hand
}
