package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
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
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/internal/faultproxy"
	"github.com/factload/factload/internal/faults"
)

// killTrial is one load into a database of its own, however often it is run.
type killTrial struct {
	*killBench
	t        *testing.T
	database string
	rejects  string
	dsn      string // of the load, through a proxy
	flips    bool   // rows have checksums on their way
	view     bool   // one takes the IDs into another table
}

func (b *killBench) trial(t *testing.T, name, dir string, r *rand.Rand) *killTrial {
	t.Helper()
	k := &killTrial{killBench: b, t: t, database: strings.NewReplacer("/", "_", "-", "_").Replace(name), rejects: filepath.Join(dir, name+".rejects")}
	b.exec(t, "CREATE DATABASE "+k.database)
	t.Cleanup(func() { b.exec(t, "DROP DATABASE "+k.database+" SYNC") })
	k.flips, k.view = r.IntN(2) == 0, r.IntN(2) == 0
	if k.flips {
		k.dsn = k.through(b.engine.DSN(), b.native) + "?compress=lz4"
	} else {
		k.dsn = k.through(b.engine.HTTPDSN(), b.http)
	}
	if k.view {
		p := k.start("apply", "message", "--yes")
		<-p.done
		require.Zero(t, p.cmd.ProcessState.ExitCode(), "%s", &p.err)
		b.exec(t, "CREATE TABLE "+k.database+".seen ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000 AS SELECT id FROM "+k.database+".message")
		b.exec(t, "CREATE MATERIALIZED VIEW "+k.database+".see TO "+k.database+".seen AS SELECT id FROM "+k.database+".message")
	}
	return k
}

// through returns a DSN for the trial's database that leads through a proxy, or, without one, straight to the engine.
func (k *killTrial) through(dsn string, p *faultproxy.Proxy) string {
	k.t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(k.t, err)
	u.Path = "/" + k.database
	if p != nil {
		u.Host = p.Addr()
	}
	return u.String()
}

func (b *killBench) exec(t *testing.T, sql string) {
	t.Helper()
	client, err := clickhouse.Open(b.engine.DSN())
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Exec(context.WithoutCancel(t.Context()), sql))
}

// load starts the load.
func (k *killTrial) load() *process {
	return k.start(append([]string{
		"load", "--schema", "message", "--rejects", k.rejects, "--chunk-bytes", "64KiB", "--workers", "3", "--json",
	}, k.inputs...)...)
}

// start starts factload, which is this program under another name.
func (k *killTrial) start(args ...string) *process {
	k.t.Helper()
	self, err := os.Executable()
	require.NoError(k.t, err)
	p := &process{}
	p.cmd = exec.Command(self)
	p.cmd.Args = append([]string{"factload", "--config", "none"}, args...)
	p.cmd.Env = append(os.Environ(), "FACTLOAD_DSN="+k.dsn)
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
	p := k.load()
	<-p.done
	var sum bulk.Summary
	require.Equal(k.t, cli.ExitRejected, p.cmd.ProcessState.ExitCode(), "%s", &p.err)
	require.NoError(k.t, json.Unmarshal(p.out.Bytes(), &sum))
	return sum
}

// outcome reads what the load has left behind.
func (k *killTrial) outcome() outcome {
	k.t.Helper()
	client, err := clickhouse.Open(k.through(k.engine.DSN(), nil))
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
	client, err := clickhouse.Open(k.through(k.engine.DSN(), nil))
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
func (k *killTrial) check(total *faults.Tally) {
	k.t.Helper()
	k.finish()
	got := k.outcome()
	k.tell(total, got)
	require.Equal(k.t, k.want.rows, got.rows)
	require.True(k.t, k.want.rejects == got.rejects, "the rejects files differ")
	again := k.finish()
	require.Zero(k.t, again.Rows, "everything is loaded")
	require.Equal(k.t, k.want, k.outcome())
	begun, done := k.progress()
	require.Equal(k.t, begun, done)
}

// tell adds what became of a load, and compares the table with the target of its view.
func (k *killTrial) tell(total *faults.Tally, got outcome) {
	k.t.Helper()
	var rows, ids, wantRows, wantIDs int
	for text, to := range map[string][2]*int{got.rows: {&rows, &ids}, k.want.rows: {&wantRows, &wantIDs}} {
		_, err := fmt.Sscan(text, to[0], to[1])
		require.NoError(k.t, err, text)
	}
	differing := 0
	if k.view {
		client, err := clickhouse.Open(k.through(k.engine.DSN(), nil))
		require.NoError(k.t, err)
		defer client.Close()
		var out bytes.Buffer
		const sql = "SELECT count() FROM (SELECT id FROM (SELECT id, 1 AS n FROM message UNION ALL SELECT id, -1 FROM seen) GROUP BY id HAVING sum(n) != 0)"
		require.NoError(k.t, client.QueryFormat(k.t.Context(), &out, "TSV", sql))
		differing, err = strconv.Atoi(strings.TrimSpace(out.String()))
		require.NoError(k.t, err)
	}
	total.Add("trials", 1)
	total.Add("rows loaded", rows)
	total.Add("LOST", max(wantIDs-ids, 0))
	total.Add("REJECTS FILES THAT DIFFER", 0)
	total.Add("DOUBLED", max(rows-wantRows-ids+wantIDs, 0))
	if k.want.rejects != got.rejects {
		total.Add("REJECTS FILES THAT DIFFER", 1)
	}
	total.Add("NOT THE SAME IN TABLE AND TARGET", differing)
	require.Zero(k.t, differing, "table and target differ")
}
