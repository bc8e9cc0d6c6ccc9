package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be the process of one way, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(childMain())
	}
	os.Exit(m.Run())
}

// TestWaysAgree loads a few rows of each shape in each way that needs no
// factload command. The program itself compares the tables.
func TestWaysAgree(t *testing.T) {
	var out, log bytes.Buffer
	args := []string{
		"-rows", "300", "-rounds", "1", "-server", "-dir", t.TempDir(),
		"-ways", "factload,nested,array,small,jsoneachrow,client,columnar,naive,native",
	}
	require.NoError(t, run(t.Context(), args, &out, &log), log.String())
	require.Equal(t, 3, strings.Count(out.String(), "| factload (`bulk.Load`)")/2, out.String())
	require.Equal(t, 3, strings.Count(out.String(), "| Native replay")/2, out.String())
}

func TestOptions(t *testing.T) {
	_, err := parse([]string{"-ways", "factload,teleport"}, &bytes.Buffer{})
	require.ErrorContains(t, err, `unknown name "teleport": known are factload, command`)
	_, err = parse([]string{"-rows", "0"}, &bytes.Buffer{})
	require.ErrorContains(t, err, "at least 1")
	o, err := parse([]string{"-ways", "native,factload", "-shapes", "wide"}, &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, "factload,native", nameList(o.ways))
	require.Equal(t, "wide", nameList(o.shapes))
}

func TestMedian(t *testing.T) {
	r := result{runs: []measured{{seconds: 5}, {seconds: 1}, {seconds: 2}}}
	seconds := func(m measured) float64 { return m.seconds }
	require.InDelta(t, 2, r.median(seconds), 0)
	r.runs = append(r.runs, measured{seconds: 4})
	require.InDelta(t, 3, r.median(seconds), 0)
	low, high := r.span()
	require.InDelta(t, 1, low, 0)
	require.InDelta(t, 5, high, 0)
}
