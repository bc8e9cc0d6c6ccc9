package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/factload/factload/fact/internal/jsontext"
)

// StructError is one problem of a struct type that is to carry facts.
type StructError struct {
	// Type is the name of the struct type.
	Type string
	// Field is the Go name of the struct's field, or empty when the problem is
	// about the whole.
	Field string
	// Problem says what is wrong, and how to fix it where that is not obvious.
	Problem string
}

// Error names the type, the field and the problem.
func (e *StructError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("struct %s: %s", e.Type, e.Problem)
	}
	return fmt.Sprintf("struct %s, field %s: %s", e.Type, e.Field, e.Problem)
}

// Struct is a struct type, compiled to carry the values of facts: see
// Value of package fact's Fact. It is immutable and safe for concurrent use.
type Struct struct {
	typ    reflect.Type
	name   string
	fields []StructField
}

// StructField is a field of a struct type that carries a field of a fact.
type StructField struct {
	// Field is the schema's field that the tags and the Go type describe. It has
	// no Default; see DefaultText.
	Field Field
	// Typed reports whether Field.Type is known. It is not for Go types that
	// have no field type of their own, such as any, when the tag gives none.
	Typed bool
	// HasDefault and DefaultText are the default that the tag gives, as written.
	HasDefault  bool
	DefaultText string
	// OmitZero reports whether a zero value counts as a missing key.
	OmitZero bool

	// GoName is the name of the struct's field, behind those of the structs it is
	// embedded in: base.ID.
	GoName string
	// GoType is its type.
	GoType reflect.Type

	index   []int
	absence absence
	follow  bool // the pointer stands for what it points to
	path    Path // of the value in the row
}

// absence says when a struct's field has no value for the fact.
type absence int

const (
	neverAbsent absence = iota
	absentNil
	absentZero
	absentIsZero // its IsZero method says so
)

// zeroer is what encoding/json asks too, for its own omitzero.
type zeroer interface{ IsZero() bool }

var zeroerType = reflect.TypeFor[zeroer]()

// structs holds a *Struct, or an error, for each reflect.Type that was asked for.
var structs sync.Map

// StructOf compiles a struct type, once for each type. The error joins a
// [*StructError] for everything that is wrong with it.
//
// See FromStruct of package schemas for the tags. It does not need every field
// to have a known type, since the schema may be written elsewhere.
func StructOf(t reflect.Type) (*Struct, error) {
	known, ok := structs.Load(t)
	if !ok {
		s, err := compileStruct(t)
		if err != nil {
			known, _ = structs.LoadOrStore(t, err)
		} else {
			known, _ = structs.LoadOrStore(t, s)
		}
	}
	if err, failed := known.(error); failed {
		return nil, err
	}
	s, ok := known.(*Struct)
	if !ok {
		return nil, fmt.Errorf("schema: the cache of struct types holds a %T", known) // cannot happen
	}
	return s, nil
}

// Name returns the name of the type in snake case, which is the name of its
// schema where nothing else is said. It is empty for a type without a name.
func (s *Struct) Name() string { return s.name }

// Type returns the struct type.
func (s *Struct) Type() reflect.Type { return s.typ }

// Fields returns the fields in the order of the struct, those of embedded
// structs in their place. The slice is the caller's; the elements are not to be
// changed.
func (s *Struct) Fields() []*StructField {
	fields := make([]*StructField, len(s.fields))
	for i := range s.fields {
		fields[i] = &s.fields[i]
	}
	return fields
}

// FieldByName returns the field that carries the fact's field of that name, and
// whether there is one. It is not to be changed.
func (s *Struct) FieldByName(name string) (*StructField, bool) {
	for i := range s.fields {
		if s.fields[i].Field.Name == name {
			return &s.fields[i], true
		}
	}
	return nil, false
}

func compileStruct(t reflect.Type) (*Struct, error) {
	if t == nil || t.Kind() != reflect.Struct {
		return nil, &StructError{Type: fmt.Sprint(t), Problem: "want a struct or a pointer to one"}
	}
	c := structCompiler{s: &Struct{typ: t, name: snakeCase(t.Name())}, names: make(map[string]string)}
	c.addFields(t, nil, "")
	if err := errors.Join(c.problems...); err != nil {
		return nil, err
	}
	return c.s, nil
}

// structCompiler gathers the fields of a struct type and what is wrong with them.
type structCompiler struct {
	s        *Struct
	names    map[string]string // Go name by name
	places   pathNode
	problems []error
}

func (c *structCompiler) report(goName, problem string) {
	c.problems = append(c.problems, &StructError{Type: c.s.typ.String(), Field: goName, Problem: problem})
}

// addFields adds the fields of a struct type, those of embedded structs in their
// place.
func (c *structCompiler) addFields(t reflect.Type, index []int, prefix string) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clone(index), i)
		goName := prefix + sf.Name
		tag, tagged := sf.Tag.Lookup("fact")
		switch {
		case tag == "-":
			continue
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct && !jsontext.HasOwnJSON(sf.Type):
			c.addFields(sf.Type, at, goName+".")
			continue
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Pointer:
			c.report(goName, `an embedded pointer may be nil: embed the struct itself, or leave it out with the tag fact:"-"`)
			continue
		case !sf.IsExported():
			if tagged {
				c.report(goName, "has a tag but is not exported: nothing can read it")
			}
			continue
		}
		c.addField(sf, at, goName)
	}
}

func (c *structCompiler) addField(sf reflect.StructField, index []int, goName string) {
	f := StructField{GoName: goName, GoType: sf.Type, index: index, follow: followed(sf.Type)}
	problems := f.readTags(sf)
	if len(problems) == 0 {
		if problem := f.readGoType(); problem != "" {
			problems = append(problems, problem)
		}
	}
	if other, twice := c.names[f.Field.Name]; twice {
		problems = append(problems, fmt.Sprintf("is called %q, as is field %s: names must be unique", f.Field.Name, other))
	}
	c.names[f.Field.Name] = goName
	if problem := c.place(&f); problem != "" {
		problems = append(problems, problem)
	}
	for _, problem := range problems {
		c.report(goName, problem)
	}
	if len(problems) == 0 {
		f.absence = f.whenAbsent()
	}
	c.s.fields = append(c.s.fields, f)
}

// place finds out where in the row the field stands, and says what is wrong with
// that, or "".
func (c *structCompiler) place(f *StructField) string {
	var err error
	if f.path, err = f.Field.Path(); err != nil {
		return fmt.Sprintf("option \"from\": %v", err)
	}
	if slices.ContainsFunc(f.path, func(s Step) bool { return s.InArray }) {
		return `option "from" names an element of an array, which a struct cannot write: use keys only`
	}
	if problem := c.places.add(f.path, f.Field.Name); problem != "" {
		return fmt.Sprintf("is put at %s, %s", f.path, problem)
	}
	return ""
}

// followed reports whether a pointer type stands for what it points to. It does
// not when the pointer alone decides on its JSON, as *big.Int does.
func followed(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && (jsontext.HasOwnJSON(t.Elem()) || !jsontext.HasOwnJSON(t))
}

func (f *StructField) whenAbsent() absence {
	switch f.GoType.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return absentNil
	}
	switch {
	case !f.OmitZero:
		return neverAbsent
	case f.GoType.Implements(zeroerType):
		return absentIsZero
	}
	return absentZero
}
