// Package infer works out a schema from rows of JSON, and writes it as a file that package schemas reads.
package infer

import (
	"errors"
	"fmt"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// The bounds of a [Builder]. They keep its memory below some 200 MB and a few times the longest line,
// whatever the rows are.
const (
	// MaxFields is how many fields an inferred schema may have. Rows with more different keys than that mostly
	// use data as keys, which belongs into one json field. Objects in the rows that would go beyond it stay json.
	MaxFields = 4000
	// DefaultDepth is how many objects deep fields are looked for.
	DefaultDepth = 4

	// maxNameBytes is how much text the paths of all fields may have together, so that the file of the schema stays far
	// below [schemas.MaxFileBytes] even when every byte is escaped.
	maxNameBytes = 300 << 10
	// maxDistinct is how many distinct values are told apart for low_cardinality_string.
	maxDistinct = 1000
	// maxIDs is how many values of a field named id are told apart for the proposal of a fact ID.
	maxIDs = 1 << 20
	// maxKeysInside is how many keys the objects of one field may have in all. With more, they are data.
	maxKeysInside = 100
)

var (
	// ErrNotARow means that a line cannot be a row of any schema: it is not one JSON object, or breaks a rule that holds
	// for every row, such as that no key is there twice.
	ErrNotARow = errors.New("not a row")
	// ErrTooManyFields means that the rows have more keys than a schema can have fields.
	ErrTooManyFields = errors.New("too many fields")
	// ErrNothingToInfer means that there was no row, or none with a key.
	ErrNothingToInfer = errors.New("nothing to infer a schema from")
)

// A Builder works out a schema from rows of JSON. The zero value is ready for use. It is not safe for concurrent use.
//
// The schema accepts every row that was added, by the value rules of docs/values.md, and loses nothing of them but what
// those rules say: floats are rounded to the nearest. That page also says which types are chosen, how values in objects
// become fields of their own and what those are called, and how the sorting key is guessed. Where a type rests on a
// guess, such as that a number is a time, a comment in the file says so.
//
// The same rows in the same order give the same schema.
type Builder struct {
	// Depth is how many objects deep fields are looked for: with 1, the fields of an object in the row are, those of an
	// object in that are not. Zero means [DefaultDepth], and a negative number that objects stay json.
	Depth int

	rows    int64
	cells   int64 // of the rows: those of tables
	root    object
	inside  budget // of the fields in objects
	nameLen int    // of the keys of the rows
	turn    int64  // counts the calls of Add
	sources []source

	pairs []pair // of the row that is being added
	taken [][]pair
}

// Rows returns how many rows have been added.
func (in *Builder) Rows() int64 { return in.rows }

// Add looks at a line, which is not kept. A line that load would reject with any schema is an error of kind
// [ErrNotARow] and changes nothing: the caller may go on with the next one. After an error of kind [ErrTooManyFields]
// there will be no schema for these rows.
func (in *Builder) Add(line []byte) error {
	var err error
	if in.pairs, err = readRow(line, in.pairs[:0]); err != nil {
		return fmt.Errorf("%w: %w", ErrNotARow, err)
	}
	in.turn++
	if err := in.settle(); err != nil {
		return err
	}
	for _, p := range in.pairs {
		in.add(in.root.byKey[p.key], p, 1)
	}
	in.rows++
	in.noteSource()
	return nil
}

// AddCells is Add of a row of a table such as CSV: a value is a number, true or false because the text of its cell
// looks like that. Where not all of a column does, and no rows came by Add, the field is the text.
func (in *Builder) AddCells(line []byte) error {
	err := in.Add(line)
	if err == nil {
		in.cells++
	}
	return err
}

// budget is how many fields there are, and how long their paths are.
type budget struct{ fields, nameLen int }

// settle makes the fields of the pairs that are new. Nothing is left of them when it fails.
func (in *Builder) settle() (err error) {
	nameLen, known := in.nameLen, len(in.root.fields)
	defer func() {
		if err != nil {
			in.nameLen = nameLen
			in.root.forget(known)
		}
	}()
	for _, p := range in.pairs {
		f := in.root.byKey[p.key]
		if f == nil {
			f = in.root.make(p.key, fact.Path{{Key: p.key}})
			in.nameLen += len(p.key)
			if err := in.checkSize(p.key); err != nil {
				return err
			}
		}
		if f.turn == in.turn {
			return fmt.Errorf("%w: the key %q is there twice: keep one of them", ErrNotARow, cut(p.key))
		}
		f.turn = in.turn
	}
	return nil
}

// checkSize says that there are too many fields with the last one.
func (in *Builder) checkSize(last string) error {
	n := len(in.root.fields)
	if n <= MaxFields && in.nameLen <= maxNameBytes {
		return nil
	}
	return fmt.Errorf("%w: with %q there are %d, with names of %d bytes; a schema is inferred of at most %d, with names of %d bytes: "+
		`keys that are data belong into one field, as in {"counts": {"a": 1, "b": 2}}, which is json then`,
		ErrTooManyFields, cut(last), n, in.nameLen, MaxFields, maxNameBytes)
}

// Definition returns the schema of the rows so far, under the given name. It is an error when there are no rows, or when
// no table can have that name.
func (in *Builder) Definition(name string) (schemas.Definition, error) {
	def, _, err := in.define(name)
	return def, err
}

// define returns the schema, and the choices behind it.
func (in *Builder) define(name string) (schemas.Definition, []choice, error) {
	if len(in.root.fields) == 0 {
		if in.rows == 0 {
			return schemas.Definition{}, nil, fmt.Errorf("%w: there is no row", ErrNothingToInfer)
		}
		return schemas.Definition{}, nil, fmt.Errorf("%w: no row has a key", ErrNothingToInfer)
	}
	var choices []choice
	for _, f := range in.leaves(nil, &in.root) {
		choices = append(choices, f.choose(in.rows, in.cells == in.rows))
	}
	nameFields(choices)
	s := fact.Schema{Name: name, OrderBy: orderBy(choices, in.rows > 1)}
	for _, c := range choices {
		s.Fields = append(s.Fields, c.field)
	}
	if err := s.Validate(); err != nil {
		return schemas.Definition{}, nil, err
	}
	if _, err := ddl.NewTable(s, ddl.Options{}); err != nil {
		return schemas.Definition{}, nil, err
	}
	return schemas.Definition{Schema: s, Source: inferredSource}, choices, nil
}

// inferredSource stands for the file of a schema that has none.
const inferredSource = "the inferred schema"

// cut shortens a key for a message.
func cut(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), 4*most+4)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
