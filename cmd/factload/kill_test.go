package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/internal/soak"
)

// killBench is what loads are killed in: an engine of its own, and inputs of
// which one row in a hundred is bad.
type killBench struct {
	engine *embedded.Server
	inputs []string
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
	b := &killBench{engine: enginetest.Start(t, embedded.Config{})}
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
	trial := b.trial(t, "undisturbed", dir)
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

// killTrial is one load into a database of its own, however often it is run.
type killTrial struct {
	*killBench
	t        *testing.T
	database string
	rejects  string
}

func (b *killBench) trial(t *testing.T, name, dir string) *killTrial {
	t.Helper()
	k := &killTrial{killBench: b, t: t, database: strings.NewReplacer("/", "_", "-", "_").Replace(name), rejects: filepath.Join(dir, name+".rejects")}
	b.exec(t, "CREATE DATABASE "+k.database)
	t.Cleanup(func() { b.exec(t, "DROP DATABASE "+k.database+" SYNC") })
	return k
}

func (b *killBench) exec(t *testing.T, sql string) {
	t.Helper()
	client, err := clickhouse.Open(b.engine.DSN())
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Exec(context.WithoutCancel(t.Context()), sql))
}

// dsn returns the DSN of the trial's database.
func (k *killTrial) dsn() string {
	return strings.TrimSuffix(k.engine.DSN(), "/"+embedded.DefaultDatabase) + "/" + k.database
}

// start starts factload, which is this program under another name.
func (k *killTrial) start() *process {
	k.t.Helper()
	self, err := os.Executable()
	require.NoError(k.t, err)
	p := &process{}
	p.cmd = exec.Command(self)
	p.cmd.Args = append([]string{
		"factload", "load", "--config", "none", "--schema", "message", "--rejects", k.rejects,
		"--chunk-bytes", "64KiB", "--workers", "3", "--json",
	}, k.inputs...)
	p.cmd.Env = append(os.Environ(), "FACTLOAD_DSN="+k.dsn())
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	require.NoError(k.t, p.cmd.Start())
	p.done = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	return p
}

// process is a run of factload.
type process struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	done     chan struct{}
}

// killAfter kills the run after some time. It returns whether the run had not
// ended by itself before.
func (p *process) killAfter(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return false
	case <-timer.C:
	}
	_ = p.cmd.Process.Kill() // it may have ended at this moment
	<-p.done
	return p.cmd.ProcessState.ExitCode() < 0
}

// finish runs factload to its end and returns its summary.
func (k *killTrial) finish() bulk.Summary {
	k.t.Helper()
	p := k.start()
	<-p.done
	var sum bulk.Summary
	require.Equal(k.t, cli.ExitRejected, p.cmd.ProcessState.ExitCode(), "%s", &p.err)
	require.NoError(k.t, json.Unmarshal(p.out.Bytes(), &sum))
	return sum
}

// outcome reads what the load has left behind.
func (k *killTrial) outcome() outcome {
	k.t.Helper()
	client, err := clickhouse.Open(k.dsn())
	require.NoError(k.t, err)
	defer client.Close()
	var rows bytes.Buffer
	const sql = "SELECT count(), uniqExact(id), sum(cityHash64(toString(tuple(*)))) FROM message"
	require.NoError(k.t, client.QueryFormat(k.t.Context(), &rows, "TSV", sql))
	rejects, err := os.ReadFile(k.rejects)
	require.NoError(k.t, err)
	return outcome{rows: strings.TrimSpace(rows.String()), rejects: string(rejects)}
}

// progress returns how many chunks the ledger has, and how many of them are
// done.
func (k *killTrial) progress() (begun, done int64) {
	k.t.Helper()
	client, err := clickhouse.Open(k.dsn())
	require.NoError(k.t, err)
	defer client.Close()
	loads, err := bulk.Loads(k.t.Context(), client)
	require.NoError(k.t, err)
	for _, l := range loads {
		done += l.Chunks
		begun += l.Chunks + l.OpenChunks
	}
	return begun, done
}

// check runs the load to its end and once more, and compares what it leaves
// behind with that of an undisturbed load.
func (k *killTrial) check() {
	k.t.Helper()
	k.finish()
	got := k.outcome()
	require.Equal(k.t, k.want.rows, got.rows)
	require.True(k.t, k.want.rejects == got.rejects, "the rejects files differ")
	again := k.finish()
	require.Zero(k.t, again.Rows, "everything is loaded")
	require.Equal(k.t, k.want, k.outcome())
	begun, done := k.progress()
	require.Equal(k.t, begun, done)
}

// TestSoakKilledLoads kills factload and the engine at random points of a
// load, runs it again until it gets through, and finds what an undisturbed load
// leaves behind.
func TestSoakKilledLoads(t *testing.T) {
	t.Parallel()
	seed := soak.Seed(t)
	b := newKillBench(t, seed)
	t.Logf("an undisturbed load takes %s and leaves %s", b.took.Round(time.Millisecond), strings.Join(strings.Fields(b.want.rows), " "))
	for _, kind := range []string{"factload", "engine"} {
		kill := map[string]func(*killTrial, *rand.Rand) string{"factload": killLoad, "engine": killEngine}[kind]
		tally := make(map[string]int)
		for i := range soak.Trials(t, 1, 50) {
			name := fmt.Sprintf("%s-%d", kind, i)
			t.Run(name, func(t *testing.T) {
				k := b.trial(t, name, t.TempDir())
				tally[kill(k, rand.New(rand.NewPCG(seed, uint64(i))))]++
				k.check()
			})
		}
		t.Logf("%s killed: %v", kind, tally)
	}
}

// killLoad kills factload, up to three times. It tells when the first time was.
func killLoad(k *killTrial, r *rand.Rand) (when string) {
	for n := range 1 + r.IntN(3) {
		killed := k.start().killAfter(time.Duration(r.Int64N(int64(k.took))))
		if n == 0 {
			when = k.when(killed)
		}
		if !killed {
			break
		}
	}
	return when
}

// when says how far a load had come.
func (k *killTrial) when(killed bool) string {
	begun, done := k.progress()
	switch {
	case !killed:
		return "after the end"
	case begun == 0:
		return "before the first chunk"
	case begun > done:
		return "with chunks under way"
	}
	return "between chunks"
}

// killEngine kills the engine under a load, and now and then the load too, and
// starts it again after a while. It tells what became of the load.
func killEngine(k *killTrial, r *rand.Rand) string {
	p := k.start()
	timer := time.NewTimer(time.Duration(r.Int64N(int64(k.took))))
	defer timer.Stop()
	ended := false
	select {
	case <-p.done:
		ended = true
	case <-timer.C:
	}
	require.NoError(k.t, k.engine.Kill())
	both := !ended && r.IntN(3) == 0
	if both {
		p.killAfter(time.Duration(r.IntN(100)) * time.Millisecond)
	}
	require.NoError(k.t, k.engine.Restart(k.t.Context()))
	<-p.done
	code := p.cmd.ProcessState.ExitCode()
	switch {
	case ended:
		return "after the end"
	case both && code < 0:
		return "factload was killed too"
	case code == cli.ExitRejected:
		return "factload went on by itself"
	}
	require.Equal(k.t, cli.ExitFailed, code, "%s", &p.err)
	return "factload gave up"
}
