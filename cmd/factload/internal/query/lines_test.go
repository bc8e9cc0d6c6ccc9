package query

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// However an answer is cut into writes, the same lines come through.
func TestFirstLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		writes []string
		want   string
		err    error
	}{
		{[]string{"a\nb\n"}, "a\nb\n", nil},
		{[]string{"a\n", "b\n"}, "a\nb\n", nil},
		{[]string{"a\nb\n", ""}, "a\nb\n", nil},
		{[]string{"a\nb\nc"}, "a\nb\n", errEnough},
		{[]string{"a\nb\n", "c"}, "a\nb\n", errEnough},
		{[]string{"a", "a\n\n\n"}, "aa\n\n", errEnough},
		{[]string{"no end"}, "no end", nil},
	} {
		var b strings.Builder
		f := &firstLines{w: &b, left: 2}
		var err error
		for _, text := range c.writes {
			if err == nil {
				_, err = f.Write([]byte(text))
			}
		}
		require.Equal(t, c.want, b.String(), c.writes)
		require.Equal(t, c.err, err, c.writes)
	}
}
