package near_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/near"
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
		require.Equal(t, want, near.Name(name, candidates), name)
	}
	require.Equal(t, `, did you mean "dsn"?`, near.DidYouMean("dns", candidates))
	require.Empty(t, near.DidYouMean("nothing", candidates))
}
