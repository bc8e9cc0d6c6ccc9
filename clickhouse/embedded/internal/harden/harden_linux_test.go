//go:build amd64 || arm64

package harden

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndexString(t *testing.T) {
	t.Parallel()
	data := []byte("\x00PName\x00\x00Name2\x00Name\x00\x00")
	require.Equal(t, 14, indexString(data, "Name"))
	require.Equal(t, 1, indexString(data, "PName"))
	require.Equal(t, -1, indexString(data, "ame"))
	require.Equal(t, -1, indexString(data[:18], "Name"))
}
