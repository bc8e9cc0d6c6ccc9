package block

import (
	"errors"
	"fmt"
	"slices"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// UnknownKeys says what becomes of keys that are not fields of the schema.
type UnknownKeys int

const (
	// RejectUnknown refuses the row. It is the default.
	RejectUnknown UnknownKeys = iota
	// IgnoreUnknown drops the key and its value. The value must still be valid
	// JSON, and no key may appear twice.
	IgnoreUnknown
	// CollectUnknown gathers unknown keys and their values, in their order, as
	// one JSON object in the field named by Options.CollectInto.
	CollectUnknown
)

// The limits of Options.MaxDepth.
const (
	// DefaultMaxDepth is how deeply a row may be nested, the row's own braces
	// included, when Options.MaxDepth is zero.
	DefaultMaxDepth = 512
	// MaxMaxDepth is the largest Options.MaxDepth.
	MaxMaxDepth = 10_000
)

// Options are the choices of [Compile]. The zero value is the strict default.
type Options struct {
	// UnknownKeys says what becomes of keys that are not fields.
	UnknownKeys UnknownKeys
	// CollectInto names the field that CollectUnknown fills. It must be of type
	// JSON or NativeJSON, and not an array. It is empty otherwise.
	CollectInto string
	// MaxDepth bounds the nesting of a row. Zero means DefaultMaxDepth.
	MaxDepth int
}

// ColumnInfo is the name and the ClickHouse type of a column.
type ColumnInfo struct{ Name, Type string }

// Layout is a schema compiled for encoding. It is safe for concurrent use, and
// nothing about it changes.
type Layout struct {
	schema  fact.Schema
	options Options
	fields  []field
	factID  int // field that carries the fact ID, or -1
	collect int // field that unknown keys go to, or -1
	depth   int
	encoder *fact.Encoder

	words      []words // of the fields
	places     []place
	keys       []keyword // of the places: `"name":`, as a row most likely has it
	containers []container
}

// field is a compiled field.
type field struct {
	name     string
	typ      string // ClickHouse type
	required bool
	absent   column // one row with the default, or nil for the type's zero
}

// Compile checks the schema and the options and prepares them for encoding.
// The error is fact.Schema.Validate's, or says which field or option is wrong.
// Defaults are encoded now; later changes to s have no effect.
func Compile(s fact.Schema, o Options) (*Layout, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	l := &Layout{
		schema:  cloneSchema(s),
		options: o,
		fields:  make([]field, len(s.Fields)),
		words:   make([]words, len(s.Fields)),
		factID:  -1,
		collect: -1,
	}
	l.encoder = fact.NewEncoder(l.schema)
	if err := l.setOptions(o); err != nil {
		return nil, fmt.Errorf("compile schema %q: %w", s.Name, err)
	}
	if err := l.setPlaces(l.schema.Fields); err != nil {
		return nil, fmt.Errorf("compile schema %q: %w", s.Name, err)
	}
	for i, def := range l.schema.Fields {
		if err := l.setField(i, def); err != nil {
			return nil, fmt.Errorf("compile schema %q: field %q: %w", s.Name, def.Name, err)
		}
	}
	return l, nil
}

func cloneSchema(s fact.Schema) fact.Schema {
	s.Fields = slices.Clone(s.Fields)
	for i := range s.Fields {
		s.Fields[i].Values = slices.Clone(s.Fields[i].Values)
	}
	s.OrderBy = slices.Clone(s.OrderBy)
	return s
}

func (l *Layout) setOptions(o Options) error {
	switch {
	case o.MaxDepth == 0:
		l.depth = DefaultMaxDepth
	case o.MaxDepth < 1 || o.MaxDepth > MaxMaxDepth:
		return fmt.Errorf("max depth %d is not between 1 and %d", o.MaxDepth, MaxMaxDepth)
	default:
		l.depth = o.MaxDepth
	}
	switch o.UnknownKeys {
	case RejectUnknown, IgnoreUnknown:
		if o.CollectInto != "" {
			return fmt.Errorf("unknown keys are not collected, but into %q is given", o.CollectInto)
		}
	case CollectUnknown:
		f, ok := l.schema.FieldByName(o.CollectInto)
		if !ok || f.Array || (f.Type != fact.JSON && f.Type != fact.NativeJSON) {
			return fmt.Errorf("unknown keys are collected into %q, which must be a json or native_json field", o.CollectInto)
		}
	default:
		return fmt.Errorf("unknown keys policy %d does not exist", o.UnknownKeys)
	}
	return nil
}

func (l *Layout) setField(i int, def fact.Field) error {
	typ, err := ddl.ColumnType(def)
	if err != nil {
		return err
	}
	f := &l.fields[i]
	f.name, f.typ = def.Name, typ
	l.words[i] = wordsOf(def)
	f.required = def.FactID || (def.Default == nil && slices.Contains(l.schema.OrderBy, def.Name))
	if def.FactID {
		l.factID = i
	}
	if l.options.UnknownKeys == CollectUnknown && l.options.CollectInto == def.Name {
		l.collect = i
	}
	c, err := newColumn(def, typ)
	if err != nil || def.Default == nil {
		return err
	}
	f.absent = c
	if err := l.appendDefault(c, def); err != nil {
		return fmt.Errorf("default: %w", err)
	}
	return nil
}

// appendDefault appends the field's default to c, as a row that has it would.
func (l *Layout) appendDefault(c column, def fact.Field) error {
	row, err := l.encoder.Append(nil, fact.Fact{Data: map[string]any{def.Name: def.Default}})
	if err != nil {
		if refused := (*fact.FactError)(nil); errors.As(err, &refused) {
			err = refused.Err
		}
		return fmt.Errorf("field %q: %w", def.Name, err)
	}
	s := newScanner(l.depth)
	s.reset(row)
	s.pos = len("{")
	if _, err := s.text(); err != nil {
		return fieldError(s, def.Name, 0, err)
	}
	if err := s.colon(); err != nil {
		return fieldError(s, def.Name, 0, err)
	}
	at := s.pos
	if err := c.appendJSON(s); err != nil {
		return fieldError(s, def.Name, at, err)
	}
	return nil
}

// keyPrefix returns how a row most likely begins the field: `"name":`. A name
// that JSON must or may write with escapes gets a prefix that no row has, so
// that it takes the slow path.
func keyPrefix(name string) string {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == '"' || c == '\\' {
			return "\x00"
		}
	}
	return `"` + name + `":`
}

// Schema returns a copy of the schema the layout was compiled from.
func (l *Layout) Schema() fact.Schema { return cloneSchema(l.schema) }

// Columns returns the columns in the order of the schema's fields. The slice
// is the caller's.
func (l *Layout) Columns() []ColumnInfo {
	columns := make([]ColumnInfo, len(l.fields))
	for i := range l.fields {
		columns[i] = ColumnInfo{Name: l.fields[i].name, Type: l.fields[i].typ}
	}
	return columns
}

// Settings returns the settings without which the server would store other values
// than the blocks have: those for native JSON, which it parses itself. The map is
// the caller's, and empty for most layouts.
func (l *Layout) Settings() map[string]string {
	for _, f := range l.schema.Fields {
		if f.Type == fact.NativeJSON {
			return ddl.NativeJSONSettings()
		}
	}
	return nil
}

// same reports whether blocks of l and of other can exchange rows.
func (l *Layout) same(other *Layout) bool {
	if l == other {
		return true
	}
	return slices.Equal(l.Columns(), other.Columns())
}
