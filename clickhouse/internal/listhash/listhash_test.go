package listhash

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHash(t *testing.T) {
	t.Parallel()
	sum := func(h *Hash) string { return hex.EncodeToString(h.Sum(nil)) }
	want := sum(New("a", "bc"))
	require.Equal(t, "9a8acca1b6c6c0befd3fbc756aed625da998c998f7252e738c4ef061906b9b21", want, "tokens in tables and ledgers stay")
	require.NotEqual(t, want, sum(New("ab", "c")))
	require.NotEqual(t, want, sum(New("a", "bc", "")))

	h := New("a")
	h.Add([]byte("bc"))
	require.Equal(t, want, sum(h))
}
