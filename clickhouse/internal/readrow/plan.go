package readrow

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// Plan says how rows of a table become structs of one type. It is used by one
// query at a time.
type Plan struct {
	columns []column
	row     []any // what the driver scans into, one for each column
}

// column is a column of the query and the struct's field that it goes into.
type column struct {
	name    string
	sql     string // its expression
	index   []int  // of the struct's field
	scanned reflect.Value
	set     func(field, scanned reflect.Value) error
}

// New plans the reading of a struct type from the table whose columns are given.
// Fields of the schema that the struct does not have are not read. The error joins
// whatever is wrong with the struct, the schema and the table.
func New(t reflect.Type, schema fact.Schema, table []ddl.CatalogColumn) (*Plan, error) {
	compiled, err := fact.StructOf(t)
	if err != nil {
		return nil, err
	}
	types := make(map[string]string, len(table))
	for _, c := range table {
		types[c.Name] = c.Type
	}
	p := &Plan{}
	var problems []error
	for _, f := range compiled.Fields() {
		c, err := newColumn(t, f, schema, types)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.columns = append(p.columns, c)
		p.row = append(p.row, c.scanned.Interface())
	}
	if len(p.columns) == 0 && len(problems) == 0 {
		problems = append(problems, &fact.StructError{Type: t.String(), Problem: "has no fields to read rows into"})
	}
	return p, errors.Join(problems...)
}

// newColumn plans one field of the struct.
func newColumn(t reflect.Type, f *fact.StructField, schema fact.Schema, types map[string]string) (column, error) {
	fail := func(problem string) (column, error) {
		return column{}, &fact.StructError{Type: t.String(), Field: f.GoName, Problem: problem}
	}
	field, ok := schema.FieldByName(f.Field.Name)
	if !ok {
		return fail(fmt.Sprintf("the schema %q has no field %q", schema.Name, f.Field.Name))
	}
	if problem := f.Fits(field); problem != "" {
		return fail(problem)
	}
	want, err := ddl.ColumnType(field)
	if err != nil {
		return column{}, err
	}
	have, ok := types[field.Name]
	if !ok {
		return fail(fmt.Sprintf("the table has no column %q", field.Name))
	}
	if have != want && !ddl.Widens(have, want) && !ddl.Widens(want, have) {
		return fail(fmt.Sprintf("column %q is %s in the table, and %s in the schema", field.Name, have, want))
	}
	c := column{name: field.Name, index: fieldIndex(t, f.GoName)}
	var scanned reflect.Type
	c.sql, scanned = scanAs(field.Name, have)
	c.scanned = reflect.New(scanned)
	if c.set, err = setter(f, field, scanned); err != nil {
		return fail(err.Error())
	}
	return c, nil
}

// fieldIndex finds a field by its name behind those of the structs it is embedded
// in.
func fieldIndex(t reflect.Type, goName string) (index []int) {
	for name := range strings.SplitSeq(goName, ".") {
		sf, _ := t.FieldByName(name) // fact.StructOf has seen it
		index = append(index, sf.Index...)
		t = sf.Type
	}
	return index
}

// scanTypes are the types that the driver reads as they are.
var scanTypes = map[string]reflect.Type{
	"String": reflect.TypeFor[string](), "Bool": reflect.TypeFor[bool](),
	"Int8": reflect.TypeFor[int8](), "Int16": reflect.TypeFor[int16](), "Int32": reflect.TypeFor[int32](), "Int64": reflect.TypeFor[int64](),
	"UInt8": reflect.TypeFor[uint8](), "UInt16": reflect.TypeFor[uint16](), "UInt32": reflect.TypeFor[uint32](), "UInt64": reflect.TypeFor[uint64](),
	"Float32": reflect.TypeFor[float32](), "Float64": reflect.TypeFor[float64](),
	"Map(String, String)": reflect.TypeFor[map[string]string](),
}

// scanAs returns the expression to ask for and the Go type of what comes. The
// server writes as text what has no exact Go type of its own.
func scanAs(name, columnType string) (sql string, t reflect.Type) {
	inner, array := unwrap(columnType, "Array")
	inner, _ = unwrap(inner, "LowCardinality")
	inner, null := unwrap(inner, "Nullable")
	sql = ddl.QuoteIdent(name)
	t, known := scanTypes[inner]
	switch {
	case known:
	case strings.HasPrefix(inner, "DateTime64("):
		t = reflect.TypeFor[time.Time]()
	default:
		t = reflect.TypeFor[string]()
		text := "String"
		if null {
			text = "Nullable(String)"
		}
		if array {
			text = "Array(" + text + ")"
		}
		sql = "CAST(" + sql + ", " + ddl.QuoteString(text) + ")"
	}
	if null {
		t = reflect.PointerTo(t)
	}
	if array {
		t = reflect.SliceOf(t)
	}
	return sql, t
}

// unwrap returns what is inside of a type such as Array(…), if it is one.
func unwrap(columnType, outer string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(columnType, outer+"(")
	if !ok {
		return columnType, false
	}
	return strings.TrimSuffix(inner, ")"), true
}

// Columns returns the expressions to ask for, for the list of a SELECT.
func (p *Plan) Columns() string {
	list := make([]string, len(p.columns))
	for i := range p.columns {
		list[i] = p.columns[i].sql
	}
	return strings.Join(list, ", ")
}

// Read takes a row into a struct, which is settable. Scan is the driver's.
func (p *Plan) Read(scan func(dest ...any) error, to reflect.Value) error {
	if err := scan(p.row...); err != nil {
		return err
	}
	for i := range p.columns {
		c := &p.columns[i]
		if err := c.set(to.FieldByIndex(c.index), c.scanned.Elem()); err != nil {
			return fmt.Errorf("column %q: %w", c.name, err)
		}
	}
	return nil
}
