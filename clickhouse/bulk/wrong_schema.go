package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// A load by a schema that has nothing to do with the rows would make a table and reject
// every row. So the first rows are looked at before anything is made.
const (
	// trialRows is how many rows are looked at.
	trialRows = 1000
	// leastTrialRows is how many there must be to judge by them.
	leastTrialRows = 10
)

// tryRows refuses a load of bare rows when each of the first rows of an input lacks keys
// that its schema needs, or has keys that it does not know; or, where those are ignored or
// collected, no other ones. The chunk has just begun.
func (r *reader) tryRows(ctx context.Context, in *input.File, c *chunker) error {
	l := r.load
	t := l.tables[l.cfg.Schema]
	if t == nil || l.server == nil {
		return nil
	}
	cfg := l.cfg
	cfg.Rejects = ""
	d := newDecoder(&cfg, l.tables)
	res := &result{chunk: &chunk{file: in, placed: c.placed, columns: l.columns[in].members}}
	data := bytes.TrimPrefix(c.w.buf, input.BOM)
	data = data[:endOfLines(data, trialRows)]
	d.begin()
	if err := d.decode(ctx, &piece{data: data, length: int64(len(data)), line: 1, offset: 1}, res); err != nil {
		return err
	}
	d.end(res)
	rows, rejected := res.rows()
	if rows >= leastTrialRows && l.cfg.Decode.UnknownKeys != block.RejectUnknown && allStrange(data, c.placed, keysOf(&l.cfg, t.name)) {
		return fmt.Errorf("%w: %s: none of the first %d rows has a key of schema %q: factload infer makes a schema of the file",
			ErrWrongSchema, in.Name, rows, t.name)
	}
	if rows > 0 || rejected < leastTrialRows || rejected > res.reasons[block.Reason(block.ErrMissing)]+res.reasons[block.Reason(block.ErrUnknownKey)] {
		return nil
	}
	keys := make(map[string]bool)
	for i := range res.rejects {
		if fault, ok := errors.AsType[*block.FieldError](res.rejects[i].err); ok {
			keys[fault.Field] = true
		}
	}
	return fmt.Errorf("%w: %s: none of the first %d rows fits schema %q, first of all because of %s: "+
		"factload infer makes a schema of the file; --unknown-keys ignore leaves out keys that the schema does not know",
		ErrWrongSchema, in.Name, rejected, t.name, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
}

// keysOf returns the keys of a row that fields of the schema are taken from, but for those
// that are not in the rows.
func keysOf(cfg *Config, schema string) map[string]bool {
	extra, _ := newExtraColumns(cfg) // checked by Validate
	keys := make(map[string]bool)
	for _, f := range cfg.Targets[schema].Schema.Fields {
		_, given := extra.cells[f.Name]
		if path, err := f.Path(); err == nil && !given && f.Name != cfg.Decode.CollectInto {
			keys[path[0].Key] = true
		}
	}
	return keys
}

// allStrange reports whether no row has one of the keys, if there are any.
func allStrange(data []byte, placed bool, keys map[string]bool) bool {
	for line := range bytes.Lines(data) {
		if placed {
			line, _ = input.Row(line)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		strange := true
		err := jx.DecodeBytes(line).ObjBytes(func(d *jx.Decoder, key []byte) error {
			strange = strange && !keys[string(key)]
			return d.Skip()
		})
		if !strange || err != nil {
			return false
		}
	}
	return len(keys) > 0
}
