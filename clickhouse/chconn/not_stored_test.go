package chconn

import (
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryProofIsDocumented: the documentation lists the codes, each with its reason.
func TestEveryProofIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/recording.md")
	require.NoError(t, err)
	all := maps.Clone(refusedBeforeRows)
	maps.Copy(all, refusedBeforeParts)
	for code, why := range all {
		require.NotEmpty(t, why)
		require.Contains(t, string(text), fmt.Sprintf("\n| %d | ", code))
	}
}
