package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDecimalPrecision = 38
	maxEnumValues       = 127
)

// SchemaError is one thing that is wrong with a Schema.
type SchemaError struct {
	// Schema is the name of the schema. It may be empty, which is an error too.
	Schema string
	// Field is the name of the field at fault, or empty when it is not about
	// one field.
	Field string
	// Key is the key at fault as schema files spell it, such as unit or
	// replace_by, or empty when no single one is.
	Key string
	// Problem says what is wrong and how to fix it.
	Problem string
}

// Error returns the schema, the field and the problem in one line.
func (e *SchemaError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("schema %q: %s", e.Schema, e.Problem)
	}
	return fmt.Sprintf("schema %q: field %q: %s", e.Schema, e.Field, e.Problem)
}

// Validate reports everything that is wrong with the schema: each problem is a
// [*SchemaError], joined with errors.Join. Nil means that the schema is sound.
//
// It does not check that Default is a value of the field's type, except for
// Enum; package ddl does that.
func (s Schema) Validate() error {
	c := schemaChecker{schema: s.Name}
	if problem := checkName(s.Name); problem != "" {
		c.report("", "name "+problem)
	}
	if len(s.Fields) == 0 {
		c.report("", "has no fields: give it at least one")
	}
	seen := make(map[string]bool, len(s.Fields))
	factID := ""
	for i, f := range s.Fields {
		if problem := checkName(f.Name); problem != "" {
			c.report(f.Name, fmt.Sprintf("name of field number %d %s", i+1, problem))
		}
		if seen[f.Name] {
			c.report(f.Name, "is declared twice: names must be unique")
		}
		seen[f.Name] = true
		if f.FactID && factID != "" {
			c.report(f.Name, fmt.Sprintf("carries the fact ID, as does %q: only one field may", factID))
		}
		if f.FactID {
			factID = f.Name
		}
		c.field(f)
	}
	c.orderBy(s)
	c.replaceBy(s)
	c.paths(s)
	return errors.Join(c.problems...)
}

// checkName says what is wrong with a schema or field name, or "".
func checkName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case strings.ContainsRune(name, 0):
		return "contains a NUL character"
	}
	return ""
}

type schemaChecker struct {
	schema   string
	problems []error
}

func (c *schemaChecker) report(field, problem string) { c.reportKey(field, "", problem) }

func (c *schemaChecker) reportKey(field, key, problem string) {
	c.problems = append(c.problems, &SchemaError{Schema: c.schema, Field: field, Key: key, Problem: problem})
}

func (c *schemaChecker) field(f Field) {
	if !f.Type.Valid() {
		c.report(f.Name, fmt.Sprintf("has the unknown type %v", f.Type))
		return
	}
	info := fieldTypes[f.Type]
	if f.Array && !info.array {
		c.report(f.Name, fmt.Sprintf("is an array of %v, which is not supported: use json", f.Type))
	}
	switch {
	case f.Nullable && f.Array:
		c.report(f.Name, "is a nullable array: an empty array stands for no value")
	case f.Nullable && !info.nullable:
		c.report(f.Name, fmt.Sprintf("is nullable, which %v cannot be", f.Type))
	}
	if f.FactID {
		c.factID(f)
	}
	c.digits(f)
	c.enum(f)
	c.words(f)
}

func (c *schemaChecker) factID(f Field) {
	if f.Type != String && f.Type != UUID {
		c.report(f.Name, fmt.Sprintf("carries the fact ID but is %v: use string or uuid", f.Type))
	}
	if f.Nullable || f.Array {
		c.report(f.Name, "carries the fact ID and may be neither nullable nor an array")
	}
	if f.Default != nil {
		c.report(f.Name, "carries the fact ID and may not have a default: every fact has its own ID")
	}
}

// digits checks Precision and Scale.
func (c *schemaChecker) digits(f Field) {
	switch {
	case f.Type == DateTime64:
		if f.Scale != 0 {
			c.report(f.Name, "has a scale, which only decimal takes: the digits of a second are its precision")
		}
		if !slices.Contains([]int{0, 3, 6, 9}, f.Precision) {
			c.report(f.Name, fmt.Sprintf("has precision %d: a datetime64 takes 3, 6 or 9 digits of a second", f.Precision))
		}
		return
	case f.Type != Decimal:
		if f.Precision != 0 || f.Scale != 0 {
			c.report(f.Name, fmt.Sprintf("has a precision or scale, which %v does not take", f.Type))
		}
		return
	}
	if f.Precision < 1 || f.Precision > maxDecimalPrecision {
		c.report(f.Name, fmt.Sprintf("has precision %d: a decimal takes 1 to %d", f.Precision, maxDecimalPrecision))
		return
	}
	if f.Scale < 0 || f.Scale > f.Precision {
		c.report(f.Name, fmt.Sprintf("has scale %d: it must be between 0 and the precision %d", f.Scale, f.Precision))
	}
}

func (c *schemaChecker) enum(f Field) {
	if f.Type != Enum {
		if len(f.Values) != 0 {
			c.report(f.Name, fmt.Sprintf("has values, which only enum takes, not %v", f.Type))
		}
		return
	}
	if len(f.Values) == 0 || len(f.Values) > maxEnumValues {
		c.report(f.Name, fmt.Sprintf("has %d values: an enum takes 1 to %d", len(f.Values), maxEnumValues))
	}
	for i, v := range f.Values {
		if !utf8.ValidString(v) {
			c.report(f.Name, fmt.Sprintf("has the value %q, which is not valid UTF-8", v))
		}
		if slices.Contains(f.Values[:i], v) {
			c.report(f.Name, fmt.Sprintf("has the value %q twice", v))
		}
	}
	if name, ok := f.Default.(string); ok && !slices.Contains(f.Values, name) {
		c.report(f.Name, fmt.Sprintf("has the default %q, which is not one of its values", name))
	}
}

func (c *schemaChecker) orderBy(s Schema) {
	for i, name := range s.OrderBy {
		f, ok := s.FieldByName(name)
		switch {
		case !ok:
			c.report(name, "is in order_by but is not a field of the schema")
			continue
		case slices.Contains(s.OrderBy[:i], name):
			c.report(name, "is in order_by twice")
			continue
		}
		if f.Nullable {
			c.report(name, "is in order_by and nullable: a sorting key cannot hold NULL")
		}
		if f.Array || (f.Type.Valid() && !fieldTypes[f.Type].sortable) {
			c.report(name, "is in order_by but its type has no useful order: use a plain column")
		}
	}
}
