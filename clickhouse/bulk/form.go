package bulk

import (
	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/fact"
)

// inputForm says how the rows of inputs are to be found.
func (l *load) inputForm() input.Form {
	form := input.Form{MaxLine: l.cfg.MaxLineBytes}
	form.RowsAt, _ = l.cfg.rowsAt() // checked by Validate
	if t := l.tables[l.cfg.Schema]; t != nil {
		cells := cellsOf(t.layout.Schema())
		form.Cell = func(key string) (input.Cell, bool) {
			kind, known := cells[key]
			return kind, known
		}
	}
	return form
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
