package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRun runs every way for a moment. The program itself compares what was
// acknowledged with what is stored.
func TestRun(t *testing.T) {
	var out, log bytes.Buffer
	args := []string{"-duration", "30ms", "-rounds", "1", "-goroutines", "1,8"}
	require.NoError(t, run(t.Context(), args, &out, &log), log.String())
	for _, w := range ways() {
		require.Equal(t, 2, strings.Count(out.String(), "| "+w.name+" "), out.String())
	}
	for _, l := range larges() {
		require.Equal(t, 1, strings.Count(out.String(), "| "+l.name+" "), out.String())
	}
	require.Regexp(t, `takes \d+\.\d\d allocations as a map and \d+\.\d\d as a struct`, out.String())
}

func TestRunLong(t *testing.T) {
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-long", "1500ms"}, &out, &log))
	require.Regexp(t, `64 goroutines.* [1-9]\d* facts/s`, out.String())
	require.Contains(t, out.String(), "| 1s ")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-rounds", "0"}, {"-goroutines", "1,x"}, {"-goroutines", "0"}, {"-duration", "-1s"}} {
		_, err := parse(args, &bytes.Buffer{})
		require.Error(t, err, args)
	}
	o, err := parse([]string{"-goroutines", "1, 2"}, &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, o.goroutines)
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	require.Zero(t, quantile(nil, 0.5))
	times := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	require.Equal(t, time.Duration(6), quantile(times, 0.5))
	require.Equal(t, time.Duration(10), quantile(times, 0.99))
	require.Equal(t, 2.0, median([]cell{{facts: 3}, {facts: 1}, {facts: 2}}).facts)
}
