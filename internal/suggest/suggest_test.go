package suggest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/suggest"
)

func TestName(t *testing.T) {
	t.Parallel()
	candidates := []string{"load", "loads", "load.workers", "dsn", "dsn_file"}
	for name, want := range map[string]string{
		"lod":                    "load",
		"laod":                   "load",
		"load":                   "loads",
		"load.wrokers":           "load.workers",
		"dns":                    "dsn",
		"d":                      "",
		"":                       "",
		"nothing":                "",
		strings.Repeat("x", 101): "",
	} {
		require.Equal(t, want, suggest.Name(name, candidates), name)
	}
	require.Equal(t, `, did you mean "dsn"?`, suggest.DidYouMean("dns", candidates))
	require.Empty(t, suggest.DidYouMean("nothing", candidates))
}
