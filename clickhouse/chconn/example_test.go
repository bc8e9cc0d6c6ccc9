package chconn_test

import (
	"context"
	"fmt"
	"os"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/internal/enginetest"
)

// A Client runs queries, and can have the server format their answers.
func ExampleClient_QueryFormat() {
	db, drop := enginetest.Example()
	defer drop()
	client, err := chconn.Open(db.DSN) // such as clickhouse://app:secret@localhost:9000/chat
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	err = client.QueryFormat(context.Background(), os.Stdout, "CSVWithNames",
		"SELECT number, sqrt(number) AS root FROM numbers(10) WHERE root = {root:Float64}", chconn.Param("root", 3))
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// "number","root"
	// 9,3
}

// A password never shows.
func ExampleRedactDSN() {
	fmt.Println(chconn.RedactDSN("clickhouse://app:secret@localhost:9000/chat?secure=true"))
	// Output: clickhouse://app:xxxxx@localhost:9000/chat?secure=true
}
