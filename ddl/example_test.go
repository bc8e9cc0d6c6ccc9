package ddl_test

import (
	"fmt"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

func ExampleNewTable() {
	schema := fact.Schema{
		Name: "message",
		Fields: []fact.Field{
			{Name: "conversation_id", Type: fact.String},
			{Name: "role", Type: fact.LowCardinalityString},
			{Name: "content", Type: fact.String},
			{Name: "tokens", Type: fact.UInt32, Default: 0},
			{Name: "created_at", Type: fact.DateTime64},
		},
		OrderBy: []string{"conversation_id", "created_at"},
	}
	table, err := ddl.NewTable(schema, ddl.Options{PartitionBy: "toYYYYMM(created_at)"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ddl.CreateSQL(table))
	// Output:
	// CREATE TABLE IF NOT EXISTS `message`
	// (
	//     `conversation_id` String,
	//     `role`            LowCardinality(String),
	//     `content`         String                 CODEC(ZSTD(1)),
	//     `tokens`          UInt32                 DEFAULT 0,
	//     `created_at`      DateTime64(3, 'UTC')   CODEC(Delta(8), ZSTD(1))
	// )
	// ENGINE = MergeTree
	// PARTITION BY toYYYYMM(created_at)
	// ORDER BY (`conversation_id`, `created_at`)
	// SETTINGS non_replicated_deduplication_window = 10000
}

func ExampleQuoteIdent() {
	fmt.Println(ddl.QuoteIdent("plain"))
	fmt.Println(ddl.QuoteIdent("a`; DROP TABLE b; --"))
	// Output:
	// `plain`
	// `a\`; DROP TABLE b; --`
}
