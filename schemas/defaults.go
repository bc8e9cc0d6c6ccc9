package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// defaultValue turns the default of a field into a Go value that the field accepts. It reports what is wrong with it.
func (d *decoder) defaultValue(f fact.Field, n *yaml.Node) any {
	if empty(n) {
		d.add(positionOf(n), "null is not a default: leave it out, a nullable field is NULL then")
		return nil
	}
	before := d.total
	value := d.fieldValue(f, n)
	if d.total > before {
		return nil
	}
	if _, err := ddl.ColumnType(f); err != nil {
		return value // the type itself is wrong, which is reported with the schema
	}
	if _, err := ddl.Literal(f, value); err != nil {
		d.add(positionOf(n), "default of %s: %v", typeOf(f), innermost(err))
		return nil
	}
	return value
}

// innermost returns what remains of an error of ddl without the name of the field, which the position tells.
func innermost(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // each layer is looked at on its own
		case interface{ Unwrap() []error }:
			all := e.Unwrap()
			if len(all) == 0 || !errors.Is(err, ddl.ErrLiteral) {
				return err
			}
			return all[len(all)-1]
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return err
		}
	}
}

// typeOf names the type of a field as it is written in a schema.
func typeOf(f fact.Field) string {
	if f.Array {
		return "an array of " + f.Type.String()
	}
	return f.Type.String()
}

// fieldValue turns n into a value of the field, lists included.
func (d *decoder) fieldValue(f fact.Field, n *yaml.Node) any {
	if !f.Array {
		return d.value(f.Type, n)
	}
	if n.Kind != yaml.SequenceNode {
		d.add(positionOf(n), "default of %s: want a list, got %s", typeOf(f), describe(n))
		return nil
	}
	list := make([]any, 0, len(n.Content))
	for _, element := range n.Content {
		if !d.plain(element) {
			continue
		}
		if empty(element) && f.Type != fact.JSON {
			d.add(positionOf(element), "default of %s: an element cannot be null", typeOf(f))
			continue
		}
		list = append(list, d.value(f.Type, element))
	}
	return list
}

// value turns n into a single value of a type. It looks at the kind only; ddl.Literal looks at the value.
func (d *decoder) value(t fact.FieldType, n *yaml.Node) any {
	switch t {
	case fact.JSON, fact.NativeJSON:
		return json.RawMessage(d.appendJSON(nil, n))
	case fact.StringMap:
		return d.textMap(n)
	default:
	}
	if n.Kind != yaml.ScalarNode {
		d.add(positionOf(n), "default of %s: want a single value, got %s", t, describe(n))
		return nil
	}
	switch t {
	case fact.Bool:
		return d.boolean(n)
	case fact.Float32, fact.Float64, fact.Decimal,
		fact.Int8, fact.Int16, fact.Int32, fact.Int64, fact.UInt8, fact.UInt16, fact.UInt32, fact.UInt64:
		return d.number(t, n)
	case fact.DateTime64, fact.Date:
		if tag := n.ShortTag(); tag != tagTimestamp && tag != tagText {
			d.add(positionOf(n), "default of %s: want a time as text, got %s", t, describe(n))
		}
	default:
		if n.ShortTag() != tagText {
			d.add(positionOf(n), "default of %s: want text, got %s: put it in quotes", t, describe(n))
		}
	}
	return n.Value
}

func (d *decoder) boolean(n *yaml.Node) bool {
	var b bool
	if n.ShortTag() != tagBool || n.Decode(&b) != nil {
		d.add(positionOf(n), "default of bool: want true or false, got %s", describe(n))
	}
	return b
}

// number turns n into an int64, a uint64, a float64, or a json.Number where none of them has it exactly.
func (d *decoder) number(t fact.FieldType, n *yaml.Node) any {
	tag := n.ShortTag()
	var (
		i int64
		u uint64
		x float64
	)
	switch {
	case t == fact.Decimal && tag == tagText:
		return n.Value
	case tag != tagInt && tag != tagFloat:
		d.add(positionOf(n), "default of %s: want a number, got %s", t, describe(n))
	case tag == tagInt && n.Decode(&i) == nil:
		return i
	case tag == tagInt && n.Decode(&u) == nil:
		return u
	case (t == fact.Float32 || t == fact.Float64) && n.Decode(&x) == nil:
		return x
	}
	return json.Number(n.Value)
}

// textMap turns n into a map of text to text.
func (d *decoder) textMap(n *yaml.Node) map[string]string {
	m := make(map[string]string)
	for key, value := range d.pairs("default of "+fact.StringMap.String(), n) {
		if !d.plain(value) {
			continue
		}
		if value.Kind != yaml.ScalarNode || value.ShortTag() != tagText {
			d.add(positionOf(value), "default of %s: want text, got %s: put it in quotes", fact.StringMap, describe(value))
		}
		m[key.Value] = value.Value
	}
	return m
}

// appendJSON appends n as JSON. The keys of objects keep their order.
func (d *decoder) appendJSON(dst []byte, n *yaml.Node) []byte {
	if !d.plain(n) {
		return dst
	}
	switch n.Kind {
	case yaml.MappingNode:
		dst = append(dst, '{')
		first := true
		for key, value := range d.pairs("default of json", n) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendJSONText(dst, key.Value), ':')
			dst = d.appendJSON(dst, value)
		}
		return append(dst, '}')
	case yaml.SequenceNode:
		dst = append(dst, '[')
		for i, element := range n.Content {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = d.appendJSON(dst, element)
		}
		return append(dst, ']')
	default:
		return d.appendJSONScalar(dst, n)
	}
}

func (d *decoder) appendJSONScalar(dst []byte, n *yaml.Node) []byte {
	switch tag := n.ShortTag(); tag {
	case tagNull:
		return append(dst, "null"...)
	case tagBool:
		return strconv.AppendBool(dst, d.boolean(n))
	case tagInt, tagFloat:
		if json.Valid([]byte(n.Value)) {
			return append(dst, n.Value...) // 1.50 and large numbers stay as they are
		}
		var x float64
		var i int64
		if tag == tagInt && n.Decode(&i) == nil {
			return strconv.AppendInt(dst, i, 10)
		}
		if err := n.Decode(&x); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return strconv.AppendFloat(dst, x, 'g', -1, 64)
		}
		d.add(positionOf(n), "default of json: JSON has no number %s", cut(n.Value))
		return dst
	case tagText, tagTimestamp:
		return appendJSONText(dst, n.Value)
	default:
		d.add(positionOf(n), "default of json: want a value, got %s", describe(n))
		return dst
	}
}

// appendJSONText appends s as a JSON string.
func appendJSONText(dst []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // text into memory: cannot fail
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
