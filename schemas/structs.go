package schemas

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/factload/factload/fact"
)

// StructOptions say what a struct type cannot.
type StructOptions struct {
	// Name is the name of the schema. Empty means the name of the type in snake case.
	Name string
	// OrderBy are the names of the fields that rows are sorted by.
	OrderBy []string
}

// A StructError is one problem of a struct type that cannot be made a schema.
type StructError struct {
	// Type is the name of the struct type.
	Type string
	// Field is the Go name of the struct's field, or empty when the problem is about the whole.
	Field string
	// Problem says what is wrong, and how to mend it where that is not obvious.
	Problem string
}

// Error names the type, the field and the problem.
func (e *StructError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("struct %s: %s", e.Type, e.Problem)
	}
	return fmt.Sprintf("struct %s, field %s: %s", e.Type, e.Field, e.Problem)
}

// FromStruct makes a schema from the type of v, which is a struct or a pointer to one; its values do not matter.
//
// Each exported field of the struct is a field of the schema. What it is called and what it holds is in its tag, all of
// which may be left out:
//
//	ID      string            `fact:"id,fact_id"`
//	Model   string            `fact:"model,low_cardinality_string" comment:"Model that answered"`
//	Tokens  int               `fact:"prompt_tokens,uint32,default=0"`
//	Price   string            `fact:"price,decimal,precision=18,scale=6"`
//	State   string            `fact:"state,enum,values=open|closed,default=open"`
//	Score   *float64          // score, float64, nullable
//	Tags    []string          // tags, an array of string
//	Labels  map[string]string // labels, string_map
//	Payload json.RawMessage   // payload, json
//	At      time.Time         `fact:"created_at"`
//	secret  string            // not exported: not part of the schema
//	Cache   any               `fact:"-"` // not part of the schema either
//
// Without a name, it is that of the struct's field in snake case. Without a type, it follows from the Go type: string,
// bool, the sized integers and floats as they are called, int as int64, uint as uint64, time.Time as datetime64,
// [16]byte as uuid, json.RawMessage as json. A pointer makes the field nullable and a slice makes it an array. Other
// types have to be called json. A type that is given must be able to hold values of the Go type, though maybe not all of
// them: values are checked when they are recorded. low_cardinality is short for low_cardinality_string. The default
// comes last and is written as in YAML. The fields of an embedded struct count as fields of the struct.
//
// All problems are reported: the error joins a [*StructError] for each. What [fact.Schema.Validate] finds is joined as
// it is.
func FromStruct(v any, options StructOptions) (fact.Schema, error) {
	t := reflect.TypeOf(v)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return fact.Schema{}, &StructError{Type: fmt.Sprintf("%T", v), Problem: "want a struct or a pointer to one"}
	}
	r := structReader{name: t.String()}
	s := fact.Schema{Name: options.Name, OrderBy: slices.Clone(options.OrderBy)}
	if s.Name == "" {
		s.Name = snakeCase(t.Name())
	}
	s.Fields = r.fields(t, nil)
	if len(r.problems) == 0 {
		r.problems = append(r.problems, s.Validate())
	}
	if err := errors.Join(r.problems...); err != nil {
		return fact.Schema{}, err
	}
	return s, nil
}

// structReader gathers what is wrong with a struct type.
type structReader struct {
	name     string
	problems []error
}

func (r *structReader) report(f reflect.StructField, format string, args ...any) {
	r.problems = append(r.problems, &StructError{Type: r.name, Field: f.Name, Problem: fmt.Sprintf(format, args...)})
}

// fields appends the fields of a struct type, those of embedded structs in their place.
func (r *structReader) fields(t reflect.Type, list []fact.Field) []fact.Field {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("fact")
		switch {
		case tag == "-":
			continue
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct && f.Type != timeType:
			list = r.fields(f.Type, list)
			continue
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Pointer:
			r.report(f, `an embedded pointer may be nil: embed the struct itself, or leave it out with the tag fact:"-"`)
			continue
		case !f.IsExported():
			if tagged {
				r.report(f, "has a tag but is not exported: nothing can read it")
			}
			continue
		}
		list = append(list, r.field(f, tag))
	}
	return list
}

// field makes a field of the schema from one of the struct.
func (r *structReader) field(f reflect.StructField, text string) fact.Field {
	tag, problems := parseTag(text)
	for _, problem := range problems {
		r.report(f, "%s", problem)
	}
	field := tag.field
	field.Comment = f.Tag.Get("comment")
	if field.Name == "" {
		field.Name = snakeCase(f.Name)
	}
	if len(problems) > 0 {
		return field
	}
	if problem := tag.applyGoType(f.Type, &field); problem != "" {
		r.report(f, "%s", problem)
		return field
	}
	if tag.hasDefault {
		value, problem := parseDefault(field, tag.defaultText)
		if problem != "" {
			r.report(f, "%s", problem)
		}
		field.Default = value
	}
	return field
}

// snakeCase turns ConversationID into conversation_id.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, c := range runes {
		if unicode.IsUpper(c) && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && runes[i-1] != '_'
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
