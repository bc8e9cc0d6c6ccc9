package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/bench"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

// measureReplay stores the rows of logs in a new table, in turn with a load of
// the same rows from a file.
func measureReplay(ctx context.Context, f flags) (err error) {
	dir, err := os.MkdirTemp("", "factload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "rows.jsonl")
	if err := writeSample(ctx, file, f.rows); err != nil {
		return err
	}
	store, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: filepath.Join(dir, "log.db")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	memory := fact.NewMemoryStore()
	for _, s := range []fact.EventStore{store, memory} {
		if err := logFile(ctx, s, file); err != nil {
			return err
		}
	}
	engine, err := bench.StartEngine(ctx, "")
	if err != nil {
		return err
	}
	defer engine.Stop()
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	if err != nil {
		return err
	}
	def, err := registry.Get(sampleSchema)
	if err != nil {
		return err
	}
	ways := []struct {
		name string
		run  func(context.Context, *clickhouse.Client, fact.Schema) error
	}{
		{"bulk.Load", func(ctx context.Context, c *clickhouse.Client, s fact.Schema) error { return load(ctx, c, s, file) }},
		{"Pipeline.Replay, memory", func(ctx context.Context, c *clickhouse.Client, s fact.Schema) error { return replay(ctx, c, s, memory) }},
		{"Pipeline.Replay, SQLite", func(ctx context.Context, c *clickhouse.Client, s fact.Schema) error { return replay(ctx, c, s, store) }},
	}
	took, cpu := make([][]float64, len(ways)), make([][]float64, len(ways))
	for round := range f.rounds {
		for i, way := range ways {
			before := ownCPU() + engine.CPU()
			seconds, err := inNewDatabase(ctx, engine, fmt.Sprintf("run_%d_%d", round, i), f.rows, def.Schema, way.run)
			if err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d: %s: %.2f s\n", round, way.name, seconds)
			took[i] = append(took[i], seconds)
			cpu[i] = append(cpu[i], (ownCPU() + engine.CPU() - before).Seconds())
		}
	}
	fmt.Printf("### A load of %d rows, and a replay of the same rows\n\n| | s | rows/s, relative | CPU s of client and server |\n|---|---:|---:|---:|\n", f.rows)
	for i, way := range ways {
		fmt.Printf("| %s | %.2f | %.2f | %.2f |\n", way.name, median(took[i]), median(took[0])/median(took[i]), median(cpu[i]))
	}
	fmt.Println()
	return nil
}

// ownCPU returns the CPU time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sampleSchema is the schema of the rows.
const sampleSchema = "message"

func writeSample(ctx context.Context, path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = sample.Write(ctx, f, sampleSchema, rows, 1)
	return errors.Join(err, f.Close())
}

// logFile appends the lines of a file to a log.
func logFile(ctx context.Context, store fact.EventStore, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var batch []fact.Event
	for lines.Scan() {
		var row struct{ ID string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return err
		}
		batch = append(batch, fact.Event{ID: row.ID, Type: sampleSchema, Data: bytes.Clone(lines.Bytes())})
		if len(batch) == 5000 {
			if err := store.Append(ctx, "chat-1", batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return errors.Join(lines.Err(), store.Append(ctx, "chat-1", batch))
}

// inNewDatabase runs a way in a database of its own and returns the seconds that it took.
func inNewDatabase(ctx context.Context, engine *bench.Engine, name string, rows int, s fact.Schema, run func(context.Context, *clickhouse.Client, fact.Schema) error) (float64, error) {
	if err := engine.Client.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return 0, err
	}
	dsn, err := bench.InDatabase(engine.DSN, name)
	if err != nil {
		return 0, err
	}
	client, err := clickhouse.Open(dsn)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	begin := time.Now()
	if err := run(ctx, client, s); err != nil {
		return 0, err
	}
	took := time.Since(begin).Seconds()
	var counted []uint64
	if err := client.Select(ctx, &counted, "SELECT count() FROM "+sampleSchema); err != nil {
		return 0, err
	}
	if counted[0] != uint64(rows) {
		return 0, fmt.Errorf("%d rows of %d", counted[0], rows)
	}
	return took, engine.Client.Exec(ctx, "DROP DATABASE "+name)
}

func replay(ctx context.Context, client *clickhouse.Client, s fact.Schema, store fact.EventStore) (err error) {
	m, err := clickhouse.New(clickhouse.Config{Client: client})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	p := fact.NewPipeline(fact.WithStore(store, "chat-1"), fact.WithMaterializer(m))
	if err := p.EnsureSchemas(ctx, s); err != nil {
		return err
	}
	_, err = p.Replay(ctx, 0)
	return err
}

func load(ctx context.Context, client *clickhouse.Client, s fact.Schema, file string) error {
	_, err := bulk.Load(ctx, bulk.Config{
		Client: client, Targets: map[string]bulk.Target{s.Name: {Schema: s}}, Schema: s.Name, Inputs: []string{file},
	})
	return err
}
