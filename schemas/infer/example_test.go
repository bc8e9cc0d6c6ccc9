package infer_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/factload/factload/schemas/infer"
)

func ExampleBuilder() {
	var in infer.Builder
	for line := range strings.Lines(`{"question_id": 1, "question": "Why?", "turns": ["a", "b"]}
{"question_id": 2, "question": "How?", "turns": [], "score": 0.5}
`) {
		if err := in.Add([]byte(line)); err != nil {
			fmt.Println(err)
		}
	}
	if err := in.WriteYAML(os.Stdout, "question"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// # Inferred from 2 rows. Look it over before the first load: changes cost nothing yet,
	// # and rows to come may hold what these did not.
	// # Where a row lacks a field, it gets NULL, {} or an empty array.
	// # A field that every row had so far gets 0 or "" where a later row lacks it: with nullable: true it gets NULL.
	// name: question
	// # The sorting key is a guess. Every row must have these fields; those that queries filter by come first.
	// order_by: [question_id]
	// fields:
	//   - {name: question_id, type: int64}
	//   - {name: question, type: string}
	//   - {name: turns, type: string, array: true}
	//   - {name: score, type: float64, nullable: true}  # in 1 of 2 rows
}
