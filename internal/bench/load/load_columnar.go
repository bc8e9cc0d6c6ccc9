package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/go-faster/jx"

	"github.com/factload/factload/fact"
)

// columnarWorkers is how many batches are filled and sent at once.
const columnarWorkers = 2

// loadColumnar is what a careful program does with the driver: it decodes with
// a fast library into slices, and gives the driver whole columns. It checks
// nothing and trusts the lines.
func loadColumnar(ctx context.Context, j job) error {
	d, err := j.definition()
	if err != nil {
		return err
	}
	conn, err := openDriver(j)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	runs := make(chan []byte)
	var wait sync.WaitGroup
	failures := make([]error, columnarWorkers)
	for i := range failures {
		wait.Go(func() {
			failures[i] = sendColumns(ctx, conn, d.def.Schema, runs)
			if failures[i] != nil {
				cancel()
			}
		})
	}
	err = readRuns(ctx, j.File, runs)
	close(runs)
	wait.Wait()
	return errors.Join(append(failures, err)...)
}

// runBytes is how many bytes of whole lines one worker gets at a time.
const runBytes = 1 << 20

// readRuns reads runs of whole lines.
func readRuns(ctx context.Context, path string, runs chan<- []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		run := make([]byte, runBytes, runBytes+64<<10)
		n, err := io.ReadFull(r, run)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
		rest, _ := r.ReadBytes('\n') // at the end of the file there is none
		select {
		case runs <- append(run[:n], rest...):
		case <-ctx.Done():
			return nil
		}
	}
}

// sendColumns decodes runs into batches until there are no more.
func sendColumns(ctx context.Context, conn driver.Conn, s fact.Schema, runs <-chan []byte) error {
	columns := make([]columnOf, len(s.Fields))
	index := make(map[string]int, len(s.Fields))
	for i, f := range s.Fields {
		index[f.Name] = i
		var err error
		if columns[i], err = newColumnOf(f); err != nil {
			return err
		}
	}
	rows := 0
	send := func() error {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+s.Name)
		if err != nil {
			return err
		}
		defer batch.Close() //nolint:errcheck // after Send it does nothing
		for i, c := range columns {
			if err := batch.Column(i).Append(c.take()); err != nil {
				return fmt.Errorf("%s: %w", s.Fields[i].Name, err)
			}
		}
		rows = 0
		return batch.Send()
	}
	var d jx.Decoder
	for run := range runs {
		for line := range bytes.Lines(run) {
			if err := decodeRow(&d, line, columns, index, rows+1); err != nil {
				return err
			}
			if rows++; rows == batchRows {
				if err := send(); err != nil {
					return err
				}
			}
		}
	}
	if rows == 0 {
		return nil
	}
	return send()
}

// decodeRow appends one row. Afterwards every column has as many values as
// there are rows.
func decodeRow(d *jx.Decoder, line []byte, columns []columnOf, index map[string]int, rows int) error {
	d.ResetBytes(line)
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		i, known := index[string(key)]
		if !known {
			return fmt.Errorf("unknown key %q", key)
		}
		if d.Next() == jx.Null {
			return d.Null()
		}
		return columns[i].decode(d)
	})
	if err != nil {
		return err
	}
	for _, c := range columns {
		if c.len() < rows {
			c.zero()
		}
	}
	return nil
}
