package soak

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScale(t *testing.T) {
	for share, want := range map[string]int{"": 3, "0": 3, "0.001": 3, "0.1": 20, "1": 200} {
		t.Setenv(Env, share)
		require.Equal(t, want, Scale(3, 200), share)
		require.Equal(t, want, Trials(t, 3, 200), share)
	}
	t.Setenv(Env, "many")
	require.Panics(t, func() { Scale(3, 200) })
	t.Setenv(TrialsEnv, "7")
	require.Equal(t, 7, Trials(t, 3, 200))
}
