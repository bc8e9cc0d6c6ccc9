package show

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTerminalText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"äöü 日本\tx\n":                 "äöü 日本\tx\n",
		"a\x1b[31mred\x1b[0m\r\a\x7f": `a\x1b[31mred\x1b[0m\r\a\x7f`,
		"\u009b1m\u202egpj.exe":       `\u009b1m\u202egpj.exe`,
	} {
		require.Equal(t, want, Safe(text))
	}
	var b strings.Builder
	n, err := fmt.Fprintf(Writer{&b}, "%s: no rows in it\n", "\x1b]0;title\a.jsonl")
	require.NoError(t, err)
	require.Equal(t, 32, n)
	require.Equal(t, `\x1b]0;title\a.jsonl: no rows in it`+"\n", b.String())
}
