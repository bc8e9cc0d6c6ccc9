package schemas

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/fact"
)

// StructOptions say what a struct type cannot.
type StructOptions struct {
	// Name is the name of the schema. Empty means what the type's EventType method returns, if it has one, else the name
	// of the type in snake case.
	Name string
	// OrderBy are the names of the fields that rows are sorted by.
	OrderBy []string
	// ReplaceBy is the name of the field that tells versions of a row apart. It may be empty.
	ReplaceBy string
}

// A StructError is one problem of a struct type that cannot be made a schema.
type StructError = fact.StructError

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
//	Answer  string            `fact:"answer,from=response.message.content"` // inside of the fact's JSON
//	Started int64             `fact:"started,datetime64,unit=ns,precision=9"`
//	secret  string            // not exported: not part of the schema
//	Retries int               `fact:"retries,omitzero,default=1"` // a zero is a missing key
//	Cache   any               `fact:"-"` // not part of the schema either
//
// Without a name, it is that of the struct's field in snake case. Without a type, it follows from the Go type: string,
// bool, the sized integers and floats as they are called, int as int64, uint as uint64, time.Time as datetime64,
// [16]byte as uuid, json.RawMessage as json. A pointer makes the field nullable and a slice makes it an array. Other
// types have to be called json. A type that is given must be able to hold values of the Go type, though maybe not all of
// them: values are checked when they are recorded. Types with MarshalJSON or MarshalText can be held by any field.
// low_cardinality is short for low_cardinality_string. Precision, scale, values, from, unit, quoted, nan=null,
// surrogates=replace and null=default mean what they mean in a schema file. The default comes last and is written as in YAML. The fields of an
// embedded struct count as fields of the struct.
//
// Structs of the type can be recorded as they are: see [fact.Fact.Value], which also says what omitzero means, and
// [fact.Of].
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
	compiled, err := fact.StructOf(t)
	if err != nil {
		return fact.Schema{}, err
	}
	s := fact.Schema{Name: options.Name, OrderBy: slices.Clone(options.OrderBy), ReplaceBy: options.ReplaceBy}
	if s.Name == "" {
		s.Name = structName(compiled)
	}
	var problems []error
	for _, f := range compiled.Fields() {
		field, problem := fieldOf(f)
		if problem != "" {
			problems = append(problems, &StructError{Type: t.String(), Field: f.GoName, Problem: problem})
		}
		s.Fields = append(s.Fields, field)
	}
	if len(problems) == 0 {
		problems = append(problems, s.Validate())
	}
	if err := errors.Join(problems...); err != nil {
		return fact.Schema{}, err
	}
	return s, nil
}

// structName returns the name that facts of the struct have by themselves, as fact.Of gives it.
func structName(s *fact.Struct) string {
	if typer, ok := reflect.New(s.Type()).Interface().(fact.EventTyper); ok {
		return typer.EventType()
	}
	return s.Name()
}

// fieldOf makes a field of the schema from one of the struct, and says what is wrong with it, or "".
func fieldOf(f *fact.StructField) (field fact.Field, problem string) {
	field = f.Field
	field.Values = slices.Clone(field.Values)
	if !f.Typed {
		return field, fmt.Sprintf("Go type %s has no field type: give one, such as json", f.GoType)
	}
	if f.HasDefault {
		field.Default, problem = parseDefault(field, f.DefaultText)
	}
	return field, problem
}

// parseDefault reads a default as if it stood in a schema file.
func parseDefault(f fact.Field, text string) (value any, problem string) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, fmt.Sprintf("default %q: %v", cut(text), err)
	}
	if len(root.Content) != 1 {
		return nil, "the default is empty: write '' for an empty text"
	}
	p := &problems{}
	value = newDecoder(p).defaultValue(f, root.Content[0])
	if p.total > 0 {
		return nil, p.found[0].Problem
	}
	return value, ""
}
