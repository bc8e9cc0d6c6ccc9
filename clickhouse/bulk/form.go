package bulk

import (
	"cmp"
	"context"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/fact"
)

// inputForm says how the rows of inputs are to be found.
func inputForm(cfg *Config) input.Form {
	form := input.Form{MaxLine: cfg.MaxLineBytes, Evals: cfg.Format == OpenAIEvals}
	form.RowsAt, _ = cfg.rowsAt() // checked by Validate
	if t, ok := cfg.Targets[cmp.Or(cfg.Schema, cfg.DefaultSchema)]; ok {
		cells := cellsOf(t.Schema)
		form.Cell = func(key string) (input.Cell, bool) {
			kind, known := cells[key]
			return kind, known
		}
	}
	return form
}

// chooseSchema makes the load one of the default schema if its first row is a bare one.
func (l *load) chooseSchema(ctx context.Context) error {
	if l.cfg.Format != Auto || l.cfg.DefaultSchema == "" || len(l.files) == 0 {
		return nil
	}
	in := l.files[0]
	src, err := input.Open(ctx, in, l.cfg.Stdin, &l.counters.read, inputForm(&l.cfg))
	if err != nil {
		return inputError(ctx, in, 0, err)
	}
	l.first = src
	row, err := src.FirstRow()
	if err != nil {
		return inputError(ctx, in, 0, err)
	}
	if !isEnvelope(row) {
		l.cfg.Schema, l.cfg.Format = l.cfg.DefaultSchema, Rows
	}
	return nil
}

// open opens an input, or returns it if it is open.
func (l *load) open(ctx context.Context, in *input.File) (*input.Source, error) {
	if src := l.first; src != nil && in == l.files[0] {
		l.first = nil
		return src, nil
	}
	return input.Open(ctx, in, l.cfg.Stdin, &l.counters.read, l.form)
}

// closeFirst closes the first input if nobody has come to read it.
func (l *load) closeFirst() {
	if l.first != nil {
		_ = l.first.Close()
	}
}

// cellsOf returns how cells of CSV become JSON, by their key.
func cellsOf(s fact.Schema) map[string]input.Cell {
	cells := make(map[string]input.Cell, len(s.Fields))
	for _, f := range s.Fields {
		key := f.Name
		if path, err := f.Path(); err == nil && len(path) == 1 {
			key = path[0].Key
		}
		cells[key] = cellOf(f)
	}
	return cells
}

// cellOf returns how a cell for a field becomes JSON.
func cellOf(f fact.Field) input.Cell {
	if f.Array {
		return input.CellJSON
	}
	switch f.Type {
	case fact.String, fact.LowCardinalityString, fact.UUID, fact.Enum:
		return input.CellText
	case fact.Bool:
		return input.CellBool
	case fact.DateTime64, fact.Date:
		if f.Unit != "" {
			return input.CellNumber
		}
		return input.CellTime
	case fact.JSON, fact.NativeJSON, fact.StringMap:
		return input.CellJSON
	}
	return input.CellNumber
}
