// Package infer works out a schema from rows of JSON, and writes it as a file that package schemas reads.
package infer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// The bounds of a [Builder]. They keep its memory below some 100 MB and a few times the longest line,
// whatever the rows are.
const (
	// MaxFields is how many fields an inferred schema may have. Rows with more different keys than that mostly
	// use data as keys, which belongs into one json field.
	MaxFields = 1000

	// maxNameBytes is how much text the names of all fields may have together, so that the file of the schema stays far
	// below [schemas.MaxFileBytes] even when every byte is escaped.
	maxNameBytes = 100 << 10
	// maxDistinct is how many distinct values are told apart for low_cardinality_string.
	maxDistinct = 1000
	// maxIDs is how many values of a field named id are told apart for the proposal of a fact ID.
	maxIDs = 1 << 20
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
// those rules say: floats are rounded to the nearest, timestamps down to the millisecond. What later rows look like
// cannot be known, so types are as wide as they can be without getting in the way of a query:
//
//   - Integers are int64, or uint64 when one needs it. Narrower ones are not chosen from a sample, since later values
//     may be larger. Integers beyond 64 bits become json, where they stay as they are.
//   - Numbers of which one is written with a fraction or an exponent are float64, or json if float64 would change one of
//     the integers among them or cannot hold one of the numbers.
//   - Text is uuid if every value is a UUID in its canonical lower-case form; datetime64 if every value is a date with a
//     time; date if every value is YYYY-MM-DD; low_cardinality_string if it has at most 1,000 distinct values, and each
//     of them 10 times on average and 20 or more in all; else string. Numbers are never taken for times.
//   - Lists of one such type are arrays. Lists with nulls, lists in them or mixed values are json, as are objects and
//     fields with values of more than one kind.
//   - A field that some rows lack, or that is null in some, is nullable, so that no zero is made up. An array cannot be:
//     where it is missing, it is empty. A field that is null in every row, or a list without an element in any, is json,
//     which takes whatever comes.
//
// The sorting key is a guess at what queries ask for, of fields that every row has and that are not null: up to two of
// low cardinality, those with fewer values first; then the first datetime64, or else the first date, or else the first
// field that looks like an ID by its name or type. If there is none of these, it is the first field that can be sorted
// by, and if there is no such field, there is no sorting key.
//
// The same rows in the same order give the same schema.
type Builder struct {
	rows    int64
	fields  []*inferredField
	byName  map[string]*inferredField
	nameLen int

	pairs []pair // of the row that is being added
	turn  int64  // counts the calls of Add
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
	fresh, err := in.settle()
	if err != nil {
		return err
	}
	in.fields = append(in.fields, fresh...)
	for _, p := range in.pairs {
		in.byName[p.key].add(p.value)
	}
	in.rows++
	return nil
}

// settle finds the fields of the pairs, and makes those that are new. Nothing is left of them when it fails.
func (in *Builder) settle() (fresh []*inferredField, err error) {
	in.turn++
	if in.byName == nil {
		in.byName = make(map[string]*inferredField)
	}
	nameLen := in.nameLen
	defer func() {
		if err != nil {
			for _, f := range fresh {
				delete(in.byName, f.name)
			}
			in.nameLen = nameLen
		}
	}()
	for _, p := range in.pairs {
		f, known := in.byName[p.key]
		switch {
		case known && f.turn == in.turn:
			return fresh, fmt.Errorf("%w: the key %q is there twice: keep one of them", ErrNotARow, cut(p.key))
		case !known:
			if err := checkKey(p.key); err != nil {
				return fresh, fmt.Errorf("%w: the key %q cannot name a field: %w", ErrNotARow, cut(p.key), err)
			}
			f = &inferredField{name: p.key}
			in.byName[p.key] = f
			fresh = append(fresh, f)
			in.nameLen += len(p.key)
			if err := in.checkSize(len(fresh), p.key); err != nil {
				return fresh, err
			}
		}
		f.turn = in.turn
	}
	return fresh, nil
}

// checkSize says that there are too many fields with those that are new, of which the last is given.
func (in *Builder) checkSize(fresh int, last string) error {
	n := len(in.fields) + fresh
	if n <= MaxFields && in.nameLen <= maxNameBytes {
		return nil
	}
	return fmt.Errorf("%w: with %q there are %d, with names of %d bytes; a schema is inferred of at most %d, with names of %d bytes: "+
		`keys that are data belong into one field, as in {"counts": {"a": 1, "b": 2}}, which is json then`,
		ErrTooManyFields, cut(last), n, in.nameLen, MaxFields, maxNameBytes)
}

// checkKey says why a table cannot have a column of this name.
func checkKey(name string) error {
	switch {
	case name == "":
		return errors.New("it is empty")
	case strings.ContainsRune(name, 0):
		return errors.New("it holds a NUL character")
	}
	_, err := ddl.NewTable(fact.Schema{Name: "s", Fields: []fact.Field{{Name: name}}}, ddl.Options{})
	if problem := (*ddl.NameError)(nil); errors.As(err, &problem) {
		return errors.New("it " + problem.Problem)
	}
	return err
}

// Definition returns the schema of the rows so far, under the given name. It is an error when there are no rows, or when
// no table can have that name.
func (in *Builder) Definition(name string) (schemas.Definition, error) {
	def, _, err := in.define(name)
	return def, err
}

// define returns the schema, and the choices behind it.
func (in *Builder) define(name string) (schemas.Definition, []choice, error) {
	if len(in.fields) == 0 {
		if in.rows == 0 {
			return schemas.Definition{}, nil, fmt.Errorf("%w: there is no row", ErrNothingToInfer)
		}
		return schemas.Definition{}, nil, fmt.Errorf("%w: no row has a key", ErrNothingToInfer)
	}
	choices := in.choices()
	s := fact.Schema{Name: name, OrderBy: orderBy(choices)}
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

// choices returns what each field becomes.
func (in *Builder) choices() []choice {
	choices := make([]choice, len(in.fields))
	nested := make(map[string]bool)
	for i, f := range in.fields {
		choices[i] = f.choose(in.rows)
		choices[i].avoidNested(nested)
	}
	return choices
}

// cut shortens a key for a message.
func cut(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), 4*most+4)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
