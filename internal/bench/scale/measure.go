package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/bench"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

// meter tells how much the two processes have worked since it was last asked.
type meter struct {
	engine         *bench.Engine
	client, server time.Duration
}

// lap returns the seconds of client and server for a million of n rows.
func (m *meter) lap(n float64) (client, server float64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for no process
	c, s := time.Duration(u.Utime.Nano()+u.Stime.Nano()), m.engine.CPU()
	client, server = (c-m.client).Seconds()/n*1e6, (s-m.server).Seconds()/n*1e6
	m.client, m.server = c, s
	return client, server
}

// measureAll loads, merges, reads and records messages, and prints what that takes.
func measureAll(ctx context.Context, out io.Writer, rows int, during time.Duration) error {
	e, err := bench.StartEngine(ctx, "")
	if err != nil {
		return err
	}
	defer e.Stop()
	dir, err := os.MkdirTemp("", "factload-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary files
	path := filepath.Join(dir, "messages.jsonl")
	if err := writeMessages(ctx, path, rows); err != nil {
		return err
	}
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	if err != nil {
		return err
	}
	def, err := registry.Get("message")
	if err != nil {
		return err
	}
	if err := bench.WriteHeader(ctx, out, e, "bench-scale", os.Args[1:]); err != nil {
		return err
	}
	c, err := measureLoad(ctx, e, def, path, float64(rows))
	if err != nil {
		return err
	}
	if err := measureRecord(ctx, e, def.Schema, path, during, &c); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\tclientCPU: %.2f, insertCPU: %.2f, mergeCPU: %.2f, scanCPU: %.2f, columns: %.0f, disk: %.0f, key: %.0f, insert: %.0f,\n"+
		"\trecordClientCPU: %.1f, recordServerCPU: %.1f, recordInsert: %.0f,\n",
		c.clientCPU, c.insertCPU, c.mergeCPU, c.scanCPU, c.columns, c.disk, c.key, c.insert, c.recordClientCPU, c.recordServerCPU, c.recordInsert)
	return err
}

func writeMessages(ctx context.Context, path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if _, err := sample.Write(ctx, w, "message", rows, 1); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// measureLoad loads a file while nothing is merged, merges all once, and reads all once.
func measureLoad(ctx context.Context, e *bench.Engine, def schemas.Definition, path string, rows float64) (c constants, err error) {
	table, err := ddl.NewTable(def.Schema, def.Table)
	if err != nil {
		return c, err
	}
	if err := migrate.New(e.Client).Ensure(ctx, table); err != nil {
		return c, err
	}
	if err := e.Client.Exec(ctx, "SYSTEM STOP MERGES message"); err != nil {
		return c, err
	}
	m := meter{engine: e}
	m.lap(1)
	_, err = bulk.Load(ctx, bulk.Config{Client: e.Client, Schema: "message", Inputs: []string{path}, Targets: map[string]bulk.Target{"message": {Schema: def.Schema, Table: def.Table}}})
	if err != nil {
		return c, err
	}
	c.clientCPU, c.insertCPU = m.lap(rows)
	if c.insert, err = number(ctx, e, "SELECT avg(rows) AS n FROM system.parts WHERE active AND table = 'message'"); err != nil {
		return c, err
	}
	const merged = "SELECT toFloat64(value) AS n FROM system.events WHERE event = 'MergedRows'"
	before, err := number(ctx, e, merged)
	for _, sql := range []string{"SYSTEM START MERGES message", "OPTIMIZE TABLE message FINAL"} {
		err = errors.Join(err, e.Client.Exec(ctx, sql))
	}
	after, last := number(ctx, e, merged)
	if err := errors.Join(err, last); err != nil {
		return c, err
	}
	_, c.mergeCPU = m.lap(after - before)
	if _, err = number(ctx, e, "SELECT toFloat64(groupBitXor(cityHash64(tuple(*)))) AS n FROM message"); err != nil {
		return c, err
	}
	_, c.scanCPU = m.lap(rows)
	if _, err = number(ctx, e, "SELECT toFloat64(count()) AS n FROM message WHERE project = 'none'"); err != nil { // which loads the key
		return c, err
	}
	for of, to := range map[string]*float64{"data_uncompressed_bytes": &c.columns, "bytes_on_disk": &c.disk, "primary_key_bytes_in_memory * 1e6": &c.key} {
		if *to, err = number(ctx, e, "SELECT sum("+of+") / sum(rows) AS n FROM system.parts WHERE active AND table = 'message'"); err != nil {
			return c, err
		}
	}
	return c, nil
}

// number returns the one number n of a query.
func number(ctx context.Context, e *bench.Engine, sql string) (float64, error) {
	var n []float64
	if err := e.Client.Select(ctx, &n, sql); err != nil || len(n) == 0 {
		return 0, err
	}
	return n[0], nil
}

// callers is how many goroutines record.
const callers = 1024

// measureRecord records facts one by one from many goroutines.
func measureRecord(ctx context.Context, e *bench.Engine, schema fact.Schema, path string, during time.Duration, c *constants) error {
	facts, err := factsOf(path, schema.Name, 2000)
	if err != nil {
		return err
	}
	materializer, err := clickhouse.New(clickhouse.Config{Client: e.Client})
	if err != nil {
		return err
	}
	if err := materializer.EnsureSchema(ctx, schema); err != nil {
		return err
	}
	const inserts = "SELECT toFloat64(value) AS n FROM system.events WHERE event = 'MergeTreeDataWriterBlocks'"
	before, err := number(ctx, e, inserts)
	if err != nil {
		return err
	}
	m := meter{engine: e}
	m.lap(1)
	until := time.Now().Add(during)
	var wg sync.WaitGroup
	counts, failures := make([]int, callers), make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			for n := i; failures[i] == nil && time.Now().Before(until); n++ {
				f := facts[n%len(facts)]
				f.ID = fact.NewEventID()
				failures[i] = materializer.Materialize(ctx, f)
				counts[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for i, n := range counts {
		if failures[i] != nil {
			return failures[i]
		}
		total += n
	}
	c.recordClientCPU, c.recordServerCPU = m.lap(float64(total))
	after, err := number(ctx, e, inserts)
	c.recordInsert = float64(total) / (after - before)
	if err != nil {
		return err
	}
	return materializer.Close(ctx)
}

// factsOf returns the first rows of a file as facts.
func factsOf(path, schema string, n int) ([]fact.Fact, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	facts := make([]fact.Fact, 0, n)
	for decoder := json.NewDecoder(f); len(facts) < n; {
		var data map[string]any
		if err := decoder.Decode(&data); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		delete(data, "id")
		facts = append(facts, fact.Fact{Schema: schema, Data: data})
	}
	return facts, nil
}
