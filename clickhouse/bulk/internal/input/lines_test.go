package input

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinesKeepsNoMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	r := NewLineReader(io.MultiReader(bytes.NewReader(make([]byte, 64<<20)), strings.NewReader("\nx")), 100)
	_, err := r.Next()
	require.ErrorContains(t, err, fmt.Sprintf("it has %d bytes, and the limit is 100", 64<<20))
	require.LessOrEqual(t, cap(r.long), 1000)
	line, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, "x", string(line))
}
