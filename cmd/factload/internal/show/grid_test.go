package show

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGrid(t *testing.T) {
	t.Parallel()
	g := Grid{Columns: []Column{{Name: "rows", Right: true}, {Name: "é"}}}
	g.Add("1,000", "a")
	g.Add("7", "two\nlines")
	g.Add("8", "漢字") // of two cells each
	var b strings.Builder
	require.NoError(t, g.Write(&b))
	require.Equal(t, ""+
		"   ┌──rows─┬─é────────────┐\n"+
		"1. │ 1,000 │ a            │\n"+
		"2. │     7 │ \"two\\nlines\" │\n"+
		"3. │     8 │ 漢字         │\n"+
		"   └───────┴──────────────┘\n", b.String())

	// 27 characters wide.
	wide := b.String()
	b.Reset()
	require.NoError(t, g.write(&b, 27))
	require.Equal(t, wide, b.String())
	b.Reset()
	require.NoError(t, g.write(&b, 26))
	require.Equal(t, "1.\n  rows  1,000\n  é     a\n2.\n  rows  7\n  é     \"two\\nlines\"\n3.\n  rows  8\n  é     漢字\n", b.String())
}
