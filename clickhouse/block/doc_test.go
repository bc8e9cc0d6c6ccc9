package block

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// documentedDifferences reads the list of differences from docs/values.md: the
// direction of each by its name.
func documentedDifferences(t *testing.T) map[string]verdict {
	t.Helper()
	text, err := os.ReadFile("../../docs/values.md")
	require.NoError(t, err)
	listed := make(map[string]verdict)
	line := regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (only here|only there|other value) \\|")
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		require.NotContains(t, listed, m[1], "docs/values.md lists a difference twice")
		listed[m[1]] = verdict(m[2])
	}
	require.NotEmpty(t, listed)
	return listed
}
