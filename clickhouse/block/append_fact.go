package block

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/factload/factload/fact"
)

// Append appends one row from the values of a fact, which are in its Data or in
// its Value; see AppendFact and AppendStruct.
func (b *Block) Append(f *fact.Fact) error {
	switch {
	case f.Value == nil:
		return b.AppendFact(f.ID, f.Data)
	case f.Data != nil:
		return rowFault(&fault{kind: ErrType, text: "the fact has both Data and Value", hint: "give one of them", at: noOffset})
	}
	return b.AppendStruct(f.ID, f.Value)
}

// AppendFact appends one row from Go values. A value is stored as its JSON
// would be, so that a fact and a replay of its log event give the same row;
// see docs/values.md. The maps and slices in data are neither kept nor changed.
//
// The ID fills the field that carries the fact ID, if the schema has one; when
// data has that field too, both must be equal. An empty ID means none.
//
// On error, which is a *FieldError, the block is as before, even if a
// Marshaler in data panics.
func (b *Block) AppendFact(id string, data map[string]any) error {
	done := false
	defer func() {
		b.scan.reset(nil)
		if !done {
			b.rollback()
		}
	}()
	if err := b.appendData(data); err != nil {
		return err
	}
	if err := b.finish(id, noOffset); err != nil {
		return err
	}
	done = true
	b.rows++
	return nil
}

func (b *Block) appendData(data map[string]any) error {
	b.row.begin(len(b.columns))
	b.extra.begin()
	found := 0
	for i := range b.layout.fields {
		name := b.layout.fields[i].name
		v, ok := data[name]
		if !ok {
			continue
		}
		found++
		b.row.mark(i)
		if err := b.columns[i].appendValue(b.scan, v); err != nil {
			return goFault(name, v, err)
		}
	}
	if found < len(data) {
		return b.appendUnknown(data)
	}
	return nil
}

// appendUnknown deals with the keys of data that are not fields.
func (b *Block) appendUnknown(data map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if _, known := b.layout.index[key]; known {
			continue
		}
		if err := b.checkUnknown([]byte(key), noOffset); err != nil {
			return err
		}
		if b.layout.options.UnknownKeys != CollectUnknown {
			continue
		}
		if err := b.collectValue(key, data[key]); err != nil {
			return err
		}
	}
	return nil
}

// collectValue collects a key that is no field, and its value.
func (b *Block) collectValue(key string, v any) error {
	name, err := marshal(key)
	if err != nil {
		return goFault(cutText(key), key, err)
	}
	value, err := marshal(v)
	if err != nil {
		return goFault(cutText(key), v, err)
	}
	if !json.Valid(value) {
		return goFault(cutText(key), v, newFault(ErrSyntax, "is not valid JSON", ""))
	}
	b.extra.add(name, value)
	return nil
}

// goFault returns the error for the Go value v of a field.
func goFault(name string, v any, err error) error {
	f := asFault(err)
	e := &FieldError{Field: name, Path: f.path, Value: f.value, Offset: noOffset, Err: f, Hint: f.hint}
	if e.Value == "" && !f.bare {
		e.Value = describe(v)
	}
	return e
}
