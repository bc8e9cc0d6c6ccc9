package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/internal/faultproxy"
	"github.com/factload/factload/internal/faults"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/internal/soak"
)

// killBench is what loads are killed in: an engine of its own, proxies before it, and inputs of
// which one row in a hundred is bad.
type killBench struct {
	engine       *faults.Engine
	native, http *faultproxy.Proxy
	inputs       []string
	// want is what an undisturbed load leaves behind, and took how long it
	// takes.
	want outcome
	took time.Duration
}

// outcome is what a load has left behind.
type outcome struct {
	rows    string // count, distinct IDs and checksum of the table
	rejects string // the rejects file
}

const killRows = 1500 // in each file

// newKillBench has a file of JSON lines, three inputs in forms taken at random, and a file that
// begins like the first.
func newKillBench(t *testing.T, seed uint64) *killBench {
	t.Helper()
	b := &killBench{engine: faults.Start(t)}
	for dsn, p := range map[string]**faultproxy.Proxy{b.engine.DSN(): &b.native, b.engine.HTTPDSN(): &b.http} {
		var err error
		*p, _, err = faultproxy.ForDSN(dsn, faultproxy.Healthy())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, (*p).Close()) })
	}
	dir, rnd := t.TempDir(), rand.New(rand.NewPCG(seed, 0))
	first := killInput(t, 0)
	for name, text := range map[string][]byte{"a.jsonl": first, "e.jsonl": first[:len(first)/2]} { // which ends in the middle of a line
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	b.inputs = append(b.inputs, filepath.Join(dir, "a.jsonl"))
	for i, name := range []string{"b", "c", "d"} {
		b.inputs = append(b.inputs, writeKillForm(t, rnd, dir, name, killInput(t, uint64(i+1))))
	}
	b.inputs = append(b.inputs, filepath.Join(dir, "e.jsonl"))
	begin := time.Now()
	trial := b.trial(t, "undisturbed", dir, rnd)
	trial.finish()
	b.took = time.Since(begin)
	b.want = trial.outcome()
	rows, err := strconv.Atoi(strings.Fields(b.want.rows)[1])
	require.NoError(t, err)
	require.Greater(t, rows, 3*killRows)
	require.Greater(t, strings.Count(b.want.rejects, "\n"), killRows/100)
	return b
}

// killInput returns sample messages, one in a hundred of them bad in one of
// several ways.
func killInput(t *testing.T, seed uint64) []byte {
	t.Helper()
	var text bytes.Buffer
	_, err := sample.Write(t.Context(), &text, "message", killRows, seed)
	require.NoError(t, err)
	var out bytes.Buffer
	number := 0
	for line := range bytes.Lines(text.Bytes()) {
		if number++; number%100 == 57 {
			switch number / 100 % 5 {
			case 0:
				line = append(line[:len(line)/2:len(line)/2], '\n')
			case 1:
				line = []byte("{\"id\":null}\n")
			case 2:
				line = append([]byte(`{"no":1,`), line[1:]...)
			case 3:
				line = []byte("\xff\xfe\n")
			case 4:
				line = bytes.Replace(line, []byte(`"created_at":"2`), []byte(`"created_at":"x`), 1)
			}
		}
		out.Write(line)
	}
	return out.Bytes()
}

// TestSoakKilledLoads kills factload, and breaks the engine, its disk and the connections to it, at random
// points of a load, runs it again until it gets through, and finds what an undisturbed load
// leaves behind.
func TestSoakKilledLoads(t *testing.T) {
	t.Parallel()
	seed := soak.Seed(t)
	b := newKillBench(t, seed)
	t.Logf("an undisturbed load takes %s and leaves %s", b.took.Round(time.Millisecond), strings.Join(strings.Fields(b.want.rows), " "))
	var total faults.Tally
	t.Cleanup(func() { t.Log(total.String()) })
	for i := range soak.Trials(t, 2, 200) {
		t.Run(fmt.Sprint("trial ", i), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			k := b.trial(t, fmt.Sprint("t", i), t.TempDir(), r)
			disturb := breakLoad
			if i%4 == 0 {
				disturb = killLoad
			}
			disturb(k, r, &total)
			k.check(&total)
		})
	}
}

// killLoad kills factload, up to three times, and notes when the first time was.
func killLoad(k *killTrial, r *rand.Rand, total *faults.Tally) {
	for n := range 1 + r.IntN(3) {
		killed := k.load().killAfter(time.Duration(r.Int64N(int64(k.took))))
		if n == 0 {
			total.Add("× factload killed "+k.when(killed), 1)
		}
		if !killed {
			break
		}
	}
}

// when says how far a load had come.
func (k *killTrial) when(killed bool) string {
	begun, done := k.progress()
	switch {
	case !killed:
		return "after its end"
	case begun == 0:
		return "before the first chunk"
	case begun > done:
		return "with chunks under way"
	}
	return "between chunks"
}

// breakLoad breaks something under a load, up to three times, and now and then kills the load too.
func breakLoad(k *killTrial, r *rand.Rand, total *faults.Tally) {
	ways := append(k.engine.Faults(), faults.Connections(k.flips, k.native, k.http)...)
	p := k.load()
	for range 1 + r.IntN(3) {
		faults.Pause(r, k.took/2+1)
		f := ways[r.IntN(len(ways))]
		heal := f.Break(k.t.Context(), k.t, r)
		faults.Pause(r, 500*time.Millisecond)
		if r.IntN(6) == 0 {
			p.killAfter(0)
		}
		heal()
		total.Add("× "+f.Name, 1)
	}
	<-p.done
	switch code := p.cmd.ProcessState.ExitCode(); code {
	case cli.ExitRejected:
		total.Add("loads that went on by themselves", 1)
	case -1:
		total.Add("loads that were killed too", 1)
	default:
		require.Equal(k.t, cli.ExitFailed, code, "%s", &p.err)
		total.Add("loads that gave up, and were run again", 1)
	}
}
