package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/factload/factload/fact"
)

// batchRows is how many rows a batch of clickhouse-go has.
const batchRows = 100_000

// openDriver connects clickhouse-go.
func openDriver(j job) (driver.Conn, error) {
	opt, err := chgo.ParseDSN(j.DSN)
	if err != nil {
		return nil, err
	}
	return chgo.Open(opt)
}

// loadNaive is the first program that one writes: a map for each line, a slice
// of values for each row. The driver takes no float64 for integers, so numbers
// are converted.
func loadNaive(ctx context.Context, j job) error {
	d, err := j.definition()
	if err != nil {
		return err
	}
	conn, err := openDriver(j)
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := os.Open(j.File)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for {
		n, err := sendRows(ctx, conn, d.def.Schema, lines)
		if err != nil {
			return err
		}
		if n < batchRows {
			return lines.Err()
		}
	}
}

// sendRows sends the next batch and returns how many rows it has.
func sendRows(ctx context.Context, conn driver.Conn, s fact.Schema, lines *bufio.Scanner) (int, error) {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+s.Name)
	if err != nil {
		return 0, err
	}
	defer batch.Close() //nolint:errcheck // after Send it does nothing
	n := 0
	for n < batchRows && lines.Scan() {
		var object map[string]any
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil {
			return n, err
		}
		row := make([]any, len(s.Fields))
		for i, f := range s.Fields {
			if row[i], err = naiveValue(f, object[f.Name]); err != nil {
				return n, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		if err := batch.Append(row...); err != nil {
			return n, err
		}
		n++
	}
	return n, batch.Send()
}

// naiveValue converts a value of encoding/json to one that the driver takes.
func naiveValue(f fact.Field, v any) (any, error) {
	if v == nil {
		if f.Nullable {
			return nil, nil //nolint:nilnil // NULL
		}
		return zeroValue(f)
	}
	if f.Array {
		items, _ := v.([]any)
		out := make([]string, len(items))
		for i, item := range items {
			out[i], _ = item.(string)
		}
		return out, nil
	}
	switch x := v.(type) {
	case float64:
		return naiveNumber(f.Type, x), nil
	case string:
		if f.Type == fact.DateTime64 {
			return time.Parse(time.RFC3339, x)
		}
		return x, nil
	case bool:
		return x, nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func naiveNumber(t fact.FieldType, x float64) any {
	switch t {
	case fact.UInt16:
		return uint16(x)
	case fact.UInt32:
		return uint32(x)
	case fact.UInt64:
		return uint64(x)
	case fact.Int64:
		return int64(x)
	case fact.Float32:
		return float32(x)
	default:
		return x
	}
}

// zeroValue is what a field holds that the line does not have.
func zeroValue(f fact.Field) (any, error) {
	switch {
	case f.Array:
		return []string{}, nil
	case f.Default != nil:
		if x, ok := f.Default.(string); ok {
			return x, nil
		}
		return naiveNumber(f.Type, asFloat(f.Default)), nil
	}
	switch f.Type {
	case fact.String, fact.LowCardinalityString:
		return "", nil
	case fact.JSON:
		return "{}", nil
	case fact.Bool:
		return false, nil
	case fact.DateTime64:
		return time.Unix(0, 0), nil
	case fact.UInt16, fact.UInt32, fact.UInt64, fact.Int64, fact.Float32, fact.Float64:
		return naiveNumber(f.Type, 0), nil
	default:
		return nil, fmt.Errorf("the benchmark does not know the type %s", f.Type)
	}
}

func asFloat(v any) float64 {
	switch x := v.(type) {
	case int:
		return float64(x)
	case float64:
		return x
	}
	return 0
}
