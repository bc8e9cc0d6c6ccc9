package block_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
)

func TestAppendNotJSON(t *testing.T) {
	t.Parallel()
	layout, err := block.Compile(fact.Schema{Name: "t", Fields: []fact.Field{
		{Name: "s", Type: fact.String},
		{Name: "l", Type: fact.LowCardinalityString, Nullable: true},
		{Name: "n", Type: fact.String, Nullable: true},
		{Name: "a", Type: fact.String, Array: true},
		{Name: "j", Type: fact.JSON},
		{Name: "i", Type: fact.Int64},
	}}, block.Options{})
	require.NoError(t, err)
	b := layout.NewBlock()
	for _, row := range []string{
		`{"s":"{\"a\": 1}","l":"1","n":" [true] ","a":["1","\"x\""],"j":"timeout","i":1}`,
		`{"s":"timeout","l":"timeout","n":"1 2","a":["1","x"]}`,
		`{"s":"","l":null,"n":null,"a":[]}`,
		`{"s":"null","l":"{","n":"\"\\ud800\"","a":["x"]}`,
		`{"s":"0","l":"timeout","n":"0"}`,
	} {
		require.NoError(t, b.AppendJSON([]byte(row)))
	}
	for i, want := range [][]int{{1, 2, 3}, {1, 3, 4}, {1, 3}, {1, 3}, nil, nil} {
		require.Equal(t, want, b.AppendNotJSON(nil, i), layout.Columns()[i].Name)
	}
}
