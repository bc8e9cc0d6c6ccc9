package schemas

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// validate reports what is wrong with a definition as a whole, each problem at the line that it is about.
func (d *decoder) validate(def Definition) {
	before := d.total
	eachError(def.Schema.Validate(), func(err error) bool {
		var problem *fact.SchemaError
		if !errors.As(err, &problem) {
			return false
		}
		text := problem.Problem
		if problem.Field != "" {
			text = "field " + strconv.Quote(problem.Field) + " " + text
		} else {
			text = "the schema " + text
		}
		d.add(d.schemaPosition(def.Schema, problem), "%s", text)
		return true
	})
	_, err := ddl.NewTable(def.Schema, def.Table)
	eachError(err, func(err error) bool { return d.tableError(def, err) })
	if err != nil && d.total == before {
		d.add(d.at["name"], "%v", err)
	}
}

// tableError reports what the options of the table or a name lack. It leaves the rest to the schema's own validation.
func (d *decoder) tableError(def Definition, err error) bool {
	switch e := err.(type) { //nolint:errorlint // called for each error of a tree
	case *ddl.OptionError:
		d.add(d.nearestPosition("clickhouse."+e.Option), "%s %s", e.Option, e.Problem)
	case *ddl.NameError:
		at := d.at["name"]
		switch e.Kind {
		case "column":
			at = d.fieldPosition(def.Schema, e.Name)
		case "projection":
			at = d.nearestPosition("clickhouse.projections")
		case "index":
			at = d.nearestPosition("clickhouse.indexes")
		case "cluster":
			at = d.nearestPosition("clickhouse.cluster")
		}
		d.add(at, "%v", e)
	default:
		return false
	}
	return true
}

// eachError calls visit for an error and all those that it joins or wraps, from the outside in. It does not look into
// an error for which visit returns true.
func eachError(err error, visit func(error) bool) {
	if err == nil {
		return
	}
	switch e := err.(type) { //nolint:errorlint // this walks over the layers
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			eachError(inner, visit)
		}
	case interface{ Unwrap() error }:
		if !visit(err) {
			eachError(e.Unwrap(), visit)
		}
	default:
		visit(err)
	}
}

// schemaPosition returns where a problem of a schema is.
func (d *decoder) schemaPosition(s fact.Schema, problem *fact.SchemaError) position {
	switch {
	case problem.Field == "":
		if at, ok := d.at["name"]; ok && !strings.Contains(problem.Problem, "fields") {
			return at
		}
		return d.nearestPosition("fields")
	case problem.Key == "" && strings.Contains(problem.Problem, "order_by"):
		for i := len(s.OrderBy) - 1; i >= 0; i-- {
			if s.OrderBy[i] == problem.Field {
				return d.at["order_by["+strconv.Itoa(i)+"]"]
			}
		}
	}
	if at, ok := d.at[problem.Key]; ok && problem.Key != "" {
		return at // a key of the schema
	}
	for i, f := range s.Fields {
		at, ok := d.at["fields["+strconv.Itoa(i)+"]."+problem.Key]
		if f.Name == problem.Field && ok {
			return at
		}
	}
	return d.fieldPosition(s, problem.Field)
}

// fieldPosition returns where the last field of a name is: where two have the same name, the second is the wrong one.
func (d *decoder) fieldPosition(s fact.Schema, name string) position {
	for i, f := range slices.Backward(s.Fields) {
		if f.Name == name {
			return d.at["fields["+strconv.Itoa(i)+"].name"]
		}
	}
	return d.at["name"]
}

// nearestPosition returns the position of a path, or of what it is in.
func (d *decoder) nearestPosition(path string) position {
	for path != "" {
		if at, ok := d.at[path]; ok {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return d.at[""]
}
