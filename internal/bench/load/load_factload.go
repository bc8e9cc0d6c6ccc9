package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk"
)

// loadBulk loads with everything on: values are checked, bad rows would go to
// a file, chunks have tokens and are written down in the ledger.
func loadBulk(ctx context.Context, j job) error {
	d, err := j.definition()
	if err != nil {
		return err
	}
	return loadInput(ctx, j, d, j.File)
}

// loadInput loads a file, or a directory of files.
func loadInput(ctx context.Context, j job, d data, input string) error {
	client, err := clickhouse.Open(j.DSN)
	if err != nil {
		return err
	}
	defer client.Close()
	sum, err := bulk.Load(ctx, bulk.Config{
		Client:  client,
		Targets: map[string]bulk.Target{j.Table: {Schema: d.def.Schema, Table: d.def.Table}},
		Schema:  j.Table,
		Inputs:  []string{input},
		Rejects: j.Rejects,
	})
	if err == nil && sum.Rejected > 0 {
		err = fmt.Errorf("%d rows were rejected", sum.Rejected)
	}
	return err
}

// startProfile writes a CPU profile until stop is called.
func startProfile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut is seen at once
	}, nil
}

// nativeRows is how many rows a block of the Native file has: as many as the
// server itself puts into one.
const nativeRows = 65_409

// encodeNative writes the rows of a shape in ClickHouse's Native format, in the
// order of the file.
func encodeNative(ctx context.Context, w io.Writer, d data) error {
	layout, err := block.Compile(d.def.Schema, block.Options{})
	if err != nil {
		return err
	}
	f, err := os.Open(d.file)
	if err != nil {
		return err
	}
	defer f.Close()
	b, buf := layout.NewBlock(), &proto.Buffer{}
	flush := func() error {
		buf.Reset()
		input := b.Input()
		header := proto.Block{Columns: len(input), Rows: b.Rows()}
		if err := header.EncodeRawBlock(buf, 0, input); err != nil {
			return err
		}
		b.Reset()
		if _, err := w.Write(buf.Buf); err != nil {
			return err
		}
		return ctx.Err()
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for lines.Scan() {
		if err := b.AppendJSON(lines.Bytes()); err != nil {
			return err
		}
		if b.Rows() == nativeRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if b.Rows() == 0 {
		return nil
	}
	return flush()
}
