package clickhouse

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// schemaEntry is a schema that a Materializer knows.
type schemaEntry struct {
	schema  fact.Schema
	layout  *block.Layout
	table   ddl.Table
	factIDs bool // it has a field that carries the fact ID

	ready    atomic.Bool   // the table is as it should be
	refused  atomic.Bool   // it is not, and stays as it is
	warned   atomic.Bool   // of what of the promise the table breaks
	ensuring chan struct{} // holds one token while the table is being changed

	writer *groupcommit.Writer
}

func newSchemaEntry(layout *block.Layout, table ddl.Table) *schemaEntry {
	_, factIDs := layout.Schema().FactIDField()
	return &schemaEntry{schema: layout.Schema(), layout: layout, table: table, factIDs: factIDs, ensuring: make(chan struct{}, 1)}
}

// differs says what is different in two schemas of the same name.
func differs(a, b fact.Schema) (what string, ok bool) {
	if !slices.Equal(a.OrderBy, b.OrderBy) {
		return "the order", true
	}
	if a.ReplaceBy != b.ReplaceBy {
		return "what rows are replaced by", true
	}
	if !reflect.DeepEqual(a.Table, b.Table) {
		return "what it says of its table", true
	}
	if len(a.Fields) != len(b.Fields) {
		return "the number of fields", true
	}
	for i := range a.Fields {
		x, y := a.Fields[i], b.Fields[i]
		if len(x.Values) == 0 && len(y.Values) == 0 {
			x.Values, y.Values = nil, nil
		}
		if !reflect.DeepEqual(x, y) {
			return fmt.Sprintf("field %q", y.Name), true
		}
	}
	return "", false
}

// unknownSchemaError says that nobody has called EnsureSchema for a schema.
type unknownSchemaError struct {
	name  string
	known []string
}

func (e *unknownSchemaError) Error() string {
	text := fmt.Sprintf("schema %q is not known: call EnsureSchema with it first", e.name)
	if len(e.known) > 0 {
		text += "; known are " + strings.Join(e.known, ", ")
	}
	return text
}

func (e *unknownSchemaError) Is(target error) bool { return target == ErrSchema }
