package show

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is written goes above the status line, and nothing of it is left behind.
func TestLineOnTerminal(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	width := 80
	l := &Line{w: &w, terminal: true, width: func() int { return width }}
	shows := func(want string) {
		t.Helper()
		require.Equal(t, want, w.String())
		w.Reset()
	}
	l.Set("10 rows")
	shows("\r\x1b[J10 rows")
	fmt.Fprintln(l, "a log line")
	shows("\r\x1b[Ja log line\n\r\x1b[J10 rows")
	fmt.Fprint(l, "part of ")
	shows("\r\x1b[Jpart of ")
	fmt.Fprintln(l, "a line")
	shows("a line\n")
	l.Set("a status of twenty-six runes")
	shows("\r\x1b[Ja status of twenty-six runes")
	width = 10
	l.Set("")
	shows("\r\x1b[2A\x1b[J")
	l.Set("")
	shows("")
}

func TestLineElsewhere(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l := NewLine(&w)
	require.False(t, IsTerminal(l))
	l.Set("10 rows")
	fmt.Fprintln(l, "done")
	require.Equal(t, "done\n", w.String())
}
