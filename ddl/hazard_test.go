package ddl

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHazards(t *testing.T) {
	t.Parallel()
	for _, h := range Hazards() {
		got, err := ParseHazard(h.String())
		require.NoError(t, err)
		require.Equal(t, h, got)
	}
	_, err := ParseHazard("boom")
	require.EqualError(t, err, `unknown hazard "boom": want one of metadata_only, drops_metadata, rewrites_data, deletes_data, needs_rebuild`)
	require.Equal(t, "hazard(9)", Hazard(9).String())
}
