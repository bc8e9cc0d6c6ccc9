package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// result is all runs of one way.
type result struct {
	way  way
	runs []measured
}

// measured is one run.
type measured struct {
	seconds float64
	cpu     time.Duration // user and system, of the loading process
	rss     int64         // bytes, at most
	server  serverWork
}

// compare runs all ways, round after round. Every second round goes the other
// way round, so that no way always comes after the same one.
func compare(ctx context.Context, o options, e *engine, d data) ([]result, error) {
	results := make([]result, len(o.ways))
	var check checker
	for round := range o.rounds {
		for i := range o.ways {
			if round%2 == 1 {
				i = len(o.ways) - 1 - i
			}
			w := o.ways[i]
			m, err := runOnce(ctx, o, e, d, w, &check)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			results[i].way = w
			results[i].runs = append(results[i].runs, m)
			fmt.Fprintf(o.log, "%s round %d: %-12s %6.2f s\n", d.name, round+1, w.name, m.seconds)
		}
	}
	return results, nil
}

// checker compares what a table holds after each run with the first run.
type checker struct {
	exact, loose *content
}

// verify counts the rows and compares the checksums: of all columns, and of
// those that a way that rewrites JSON leaves as they are.
func (c *checker) verify(ctx context.Context, p *place, d data, rewritten bool) error {
	if err := compareContent(ctx, p, d, true, &c.loose); err != nil || rewritten {
		return err
	}
	return compareContent(ctx, p, d, false, &c.exact)
}

func compareContent(ctx context.Context, p *place, d data, rewritten bool, want **content) error {
	have, err := p.content(ctx, d, rewritten)
	if err != nil {
		return err
	}
	if have.Rows != uint64(d.rows) { //nolint:gosec // not negative
		return fmt.Errorf("the table has %d rows, and the file %d", have.Rows, d.rows)
	}
	if *want == nil {
		*want = &have
	}
	if have != **want {
		return errors.New("the checksum of the table is not that of the other ways")
	}
	return nil
}

// runOnce runs one way into a fresh table and checks what is there then.
func runOnce(ctx context.Context, o options, e *engine, d data, w way, check *checker) (measured, error) {
	p, err := e.fresh(ctx, d)
	if err != nil {
		return measured{}, err
	}
	m, err := measure(ctx, o, e, p, d, w)
	if err == nil && !w.elsewhere {
		err = check.verify(ctx, p, d, w.rewrites)
	}
	return m, errors.Join(err, p.close(ctx))
}

// measure runs one way.
func measure(ctx context.Context, o options, e *engine, p *place, d data, w way) (measured, error) {
	before, err := e.work(ctx)
	if err != nil {
		return measured{}, err
	}
	scratch, err := os.MkdirTemp("", "factload-bench-")
	if err != nil {
		return measured{}, err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // temporary files
	j := job{
		Way: w.name, Shape: d.name, Table: d.def.Schema.Name, Rows: d.rows, File: d.file, Native: d.native,
		Rejects: filepath.Join(scratch, "rejects.jsonl"), DSN: p.dsn, HTTPDSN: p.httpDSN,
	}
	if w.name == o.ways[0].name {
		j.Profile = o.profile
	}
	var m measured
	if w.run != nil {
		m, err = w.run(ctx, o, j)
	} else {
		m, err = runChild(ctx, j)
	}
	if err != nil {
		return m, err
	}
	after, err := e.work(ctx)
	m.server = after.since(before)
	return m, err
}

// runChild runs a way in a process of its own.
func runChild(ctx context.Context, j job) (measured, error) {
	program, err := os.Executable()
	if err != nil {
		return measured{}, err
	}
	input, err := json.Marshal(j)
	if err != nil {
		return measured{}, err
	}
	cmd := exec.CommandContext(ctx, program, childArg) //nolint:gosec // this program
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return measured{}, err
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		return measured{}, fmt.Errorf("answer %q: %w", out, err)
	}
	if a.Error != "" {
		return measured{}, errors.New(a.Error)
	}
	return usage(cmd.ProcessState, a.Seconds), nil
}

// runCommand runs the factload command. Its time is that of the whole process.
func runCommand(ctx context.Context, o options, j job) (measured, error) {
	if o.command == "" {
		return measured{}, errors.New("no command to run")
	}
	dsnFile := j.Rejects + ".dsn"
	if err := os.WriteFile(dsnFile, []byte(j.DSN+"\n"+j.HTTPDSN+"\n"), 0o600); err != nil {
		return measured{}, err
	}
	args := append([]string{"load", "--config", "none", "--dsn-file", dsnFile, "--json", "--rejects", j.Rejects}, o.flags...)
	if j.Shape == "wide" {
		path := j.Rejects + ".yaml"
		if err := writeWideYAML(path); err != nil {
			return measured{}, err
		}
		args = append(args, "--schemas", path)
	}
	cmd := exec.CommandContext(ctx, o.command, append(args, "--schema", j.Table, j.File)...) //nolint:gosec // the user's own program
	cmd.Stderr = os.Stderr
	begin := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return measured{}, fmt.Errorf("%w: %s", err, out)
	}
	return usage(cmd.ProcessState, time.Since(begin).Seconds()), nil
}

func usage(state *os.ProcessState, seconds float64) measured {
	m := measured{seconds: seconds, cpu: state.UserTime() + state.SystemTime()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		m.rss = r.Maxrss << 10
	}
	return m
}
