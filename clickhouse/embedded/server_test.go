package embedded

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStart(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Config{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	t.Log(s.DSN(), s.HTTPDSN(), s.PID())
	require.NoError(t, s.Kill())
	require.NoError(t, s.Restart(t.Context()))
}
