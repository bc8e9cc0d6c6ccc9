package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGrid(t *testing.T) {
	t.Parallel()
	g := grid{columns: []gridColumn{{name: "rows", right: true}, {name: "é"}}}
	g.add("1,000", "a")
	g.add("7", "two\nlines")
	g.add("8", "漢字") // of two cells each
	var b strings.Builder
	require.NoError(t, g.write(&b))
	require.Equal(t, ""+
		"   ┌──rows─┬─é────────────┐\n"+
		"1. │ 1,000 │ a            │\n"+
		"2. │     7 │ \"two\\nlines\" │\n"+
		"3. │     8 │ 漢字         │\n"+
		"   └───────┴──────────────┘\n", b.String())
}
