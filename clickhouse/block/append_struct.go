package block

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/factload/factload/fact"
)

// AppendStruct appends one row from a struct, or a pointer to one, whose fields
// carry the fields of the schema as [fact.Fact.Value] describes. The row is what
// AppendFact would append for the same values in a map, without the map: values
// go from the struct's memory into the columns, and nothing is allocated for
// them but what their own methods allocate. A struct that is not given by a
// pointer is copied first. The struct is neither kept nor changed.
//
// A struct type that does not go with the schema is reported as one or more
// [*fact.StructError], which say how to mend it. Any other error is a
// *FieldError. In both cases the block is as before, even if a Marshaler in the
// struct panics.
func (b *Block) AppendStruct(id string, value any) error {
	v, err := fact.StructValue(value)
	if err != nil {
		return rowFault(&fault{kind: ErrType, text: err.Error(), at: noOffset})
	}
	bound, err := b.bind(v.Type())
	if err != nil {
		return err
	}
	done := false
	defer func() {
		b.scan.reset(nil)
		if !done {
			b.rollback()
		}
	}()
	if err := b.appendFields(bound, v); err != nil {
		return err
	}
	if err := b.finish(id, noOffset); err != nil {
		return err
	}
	done = true
	b.rows++
	return nil
}

func (b *Block) appendFields(bound *boundStruct, v reflect.Value) error {
	b.row.begin(len(b.columns))
	b.extra.begin()
	for i := range bound.fields {
		f := &bound.fields[i]
		value, ok := f.Value(v)
		if !ok {
			continue
		}
		b.row.mark(f.column)
		if err := f.add(value); err != nil {
			return goFault(f.Field.Name, f.Interface(value), err)
		}
	}
	for _, f := range bound.plan.unknown {
		if value, ok := f.Value(v); ok {
			if err := b.collectValue(f.Field.Name, f.Interface(value)); err != nil {
				return err
			}
		}
	}
	return nil
}

// structPlan is how the fields of a struct type go into the columns of a layout.
type structPlan struct {
	fields  []planField
	unknown []*fact.StructField // to be collected, by name
}

type planField struct {
	*fact.StructField
	column int
}

// boundStruct is a structPlan made for the columns of one block.
type boundStruct struct {
	typ    reflect.Type
	plan   *structPlan
	fields []boundField
}

type boundField struct {
	planField
	add adder
}

// bind returns how structs of the type go into the block.
func (b *Block) bind(t reflect.Type) (*boundStruct, error) {
	if b.last != nil && b.last.typ == t {
		return b.last, nil
	}
	bound := b.structs[t]
	if bound == nil {
		plan, err := b.layout.plan(t)
		if err != nil {
			return nil, err
		}
		bound = &boundStruct{typ: t, plan: plan}
		for _, f := range plan.fields {
			bound.fields = append(bound.fields, boundField{f, b.newAdder(f)})
		}
		if b.structs == nil {
			b.structs = make(map[reflect.Type]*boundStruct)
		}
		b.structs[t] = bound
	}
	b.last = bound
	return bound, nil
}

// plan compiles how structs of a type go into the layout, once.
func (l *Layout) plan(t reflect.Type) (*structPlan, error) {
	known, ok := l.structs.Load(t)
	if !ok {
		plan, err := l.compilePlan(t)
		if err != nil {
			known, _ = l.structs.LoadOrStore(t, err)
		} else {
			known, _ = l.structs.LoadOrStore(t, plan)
		}
	}
	if plan, ok := known.(*structPlan); ok {
		return plan, nil
	}
	err, _ := known.(error) // nothing else is stored
	return nil, err
}

func (l *Layout) compilePlan(t reflect.Type) (*structPlan, error) {
	s, err := fact.StructOf(t)
	if err != nil {
		return nil, err
	}
	p := &structPlan{}
	var problems []error
	report := func(goName, problem string) {
		problems = append(problems, &fact.StructError{Type: t.String(), Field: goName, Problem: problem})
	}
	filled := make([]bool, len(l.fields))
	for _, f := range s.Fields() {
		i, known := l.index[f.Field.Name]
		switch {
		case known:
			filled[i] = true
			if problem := f.Fits(l.schema.Fields[i]); problem != "" {
				report(f.GoName, problem)
			}
			p.fields = append(p.fields, planField{f, i})
		case l.options.UnknownKeys == CollectUnknown:
			p.unknown = append(p.unknown, f)
		case l.options.UnknownKeys == RejectUnknown:
			report(f.GoName, fmt.Sprintf(`schema %q has no field %q: add one, or leave the struct's field out with the tag fact:"-"`,
				l.schema.Name, f.Field.Name))
		}
	}
	for i := range l.fields {
		if f := &l.fields[i]; f.required && !filled[i] && i != l.factID {
			report("", fmt.Sprintf("has nothing for field %q of schema %q, which is in order_by and has no default: add a field that carries it",
				f.name, l.schema.Name))
		}
	}
	slices.SortFunc(p.fields, func(a, b planField) int { return cmp.Compare(a.column, b.column) })
	slices.SortFunc(p.unknown, func(a, b *fact.StructField) int { return strings.Compare(a.Field.Name, b.Field.Name) })
	return p, errors.Join(problems...)
}
