package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The page has what the program prints.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/scale.md")
	require.NoError(t, err)
	var rate, size bytes.Buffer
	writeRate(&rate, measured, usual(), 1e6)
	writeSize(&size, measured, usual(), 100e12)
	require.Contains(t, string(page), rate.String())
	require.Contains(t, string(page), size.String())
}

// More of everything takes more of everything.
func TestModel(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 5, measured.merges(166667), 0)
	require.Greater(t, measured.merges(732), measured.merges(166667))
	var small, large bytes.Buffer
	writeRate(&small, measured, usual(), 1e6)
	writeRate(&large, measured, usual(), 8e6)
	require.Contains(t, small.String(), "| shards for the cores | 1 | 3 |")
	require.Contains(t, large.String(), "| shards for the cores | 4 | 17 |")
}

// All constants can be measured.
func TestMeasure(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, measureAll(t.Context(), &out, 3000, 100*time.Millisecond))
	require.Contains(t, out.String(), "recordInsert: ")
	require.NotContains(t, out.String(), "disk: 0,")
}
