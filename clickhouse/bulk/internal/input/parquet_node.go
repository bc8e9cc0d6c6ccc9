package input

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-faster/jx"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetNode is a node of a file's schema: a leaf, or a group of nodes. It knows how its
// values become JSON: groups objects, lists and what is repeated arrays, maps objects.
//
// Levels are those of the format: a value is there if its definition level is not below
// the node's, and goes on a list if its repetition level is that of the list.
type parquetNode struct {
	name string
	key  []byte // the name as JSON, with a colon
	kind parquetKind

	optional, repeated bool
	definition         int // level at which the node is there
	repetition         int // level of the list, of one that is repeated

	first, last int // the leaves below the node
	fields      []parquetNode
	leaf        parquetLeaf
}

// parquetKind is what the values of a node become.
type parquetKind uint8

const (
	parquetScalar parquetKind = iota
	parquetObject
	parquetList // whose only field is repeated
	parquetMap  // whose only field is a repeated pair of key and value
)

// newParquetNode compiles a column, whose element of the file's schema is the next one.
// Levels are those of what it is in.
func newParquetNode(c *parquet.Column, elements *[]format.SchemaElement, definition, repetition int) (n parquetNode, err error) {
	element := (*elements)[0]
	*elements = (*elements)[1:]
	n = parquetNode{name: c.Name(), optional: c.Optional() && c.Depth() > 0, repeated: c.Repeated() && c.Depth() > 0, definition: definition, repetition: repetition}
	var w jx.Writer
	w.Str(n.name)
	w.Buf = append(w.Buf, ':')
	n.key = w.Buf
	if n.optional || n.repeated {
		n.definition++
	}
	if n.repeated {
		n.repetition++
	}
	if c.Leaf() {
		n.first, n.last = c.Index(), c.Index()+1
		n.leaf, err = newParquetLeaf(c, &element)
		return n, err
	}
	n.kind = parquetObject
	for _, child := range c.Columns() {
		field, err := newParquetNode(child, elements, n.definition, n.repetition)
		if err != nil {
			return n, err
		}
		n.fields = append(n.fields, field)
	}
	if len(n.fields) == 0 {
		return n, fmt.Errorf("%w: %q is a group without columns", ErrParquet, strings.Join(c.Path(), "."))
	}
	n.first, n.last = n.fields[0].first, n.fields[len(n.fields)-1].last
	n.annotate(c)
	return n, nil
}

// annotate makes the group a list or a map if the file says so. A list has its elements in
// a group of their own within the repeated one, but for some old writers.
func (n *parquetNode) annotate(c *parquet.Column) {
	if len(n.fields) != 1 || !n.fields[0].repeated {
		return
	}
	inner := &n.fields[0]
	logical := c.Type().LogicalType()
	if logical == nil {
		return
	}
	switch logical.Value.(type) {
	case *format.ListType:
		n.kind = parquetList
		if inner.kind == parquetObject && len(inner.fields) == 1 && !inner.fields[0].repeated && inner.name != "array" && inner.name != n.name+"_tuple" {
			inner.kind = parquetScalar // the element stands for it
		}
	case *format.MapType:
		if len(inner.fields) == 2 && inner.fields[0].kind == parquetScalar && !inner.fields[0].repeated {
			n.kind = parquetMap
		}
	}
}

// there reports whether the next value of the node is there. If not, it is taken.
func (n *parquetNode) there(columns []parquetColumn) bool {
	if columns[n.first][0].DefinitionLevel() >= n.definition {
		return true
	}
	for i := n.first; i < n.last; i++ {
		columns[i] = columns[i][1:]
	}
	return false
}

// goesOn reports whether another element follows in the list of a repeated node.
func (n *parquetNode) goesOn(columns []parquetColumn) bool {
	rest := columns[n.first]
	return len(rest) > 0 && rest[0].RepetitionLevel() == n.repetition
}

// appendValue appends the next value of the node.
func (n *parquetNode) appendValue(b []byte, columns []parquetColumn) ([]byte, error) {
	switch {
	case n.repeated:
		return n.appendArray(b, columns)
	case n.optional && !n.there(columns):
		return append(b, "null"...), nil
	}
	switch n.kind {
	case parquetList:
		return n.fields[0].appendArray(b, columns)
	case parquetMap:
		return n.fields[0].appendMap(b, columns)
	}
	return n.appendElement(b, columns)
}

// appendElement appends a value that is there.
func (n *parquetNode) appendElement(b []byte, columns []parquetColumn) ([]byte, error) {
	switch {
	case n.kind == parquetObject:
		return n.appendObject(b, columns)
	case len(n.fields) == 1:
		return n.fields[0].appendValue(b, columns)
	}
	v := columns[n.first][0]
	columns[n.first] = columns[n.first][1:]
	b, err := n.leaf(b, v)
	if err != nil {
		return b, &cellError{n.name, err}
	}
	return b, nil
}

// cellError is a value that has no form in JSON.
type cellError struct {
	column string
	err    error
}

func (e *cellError) Error() string { return fmt.Sprintf("column %q: %v", e.column, e.err) }

// appendObject appends a group as an object.
func (n *parquetNode) appendObject(b []byte, columns []parquetColumn) (_ []byte, err error) {
	b = append(b, '{')
	for i := range n.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, n.fields[i].key...)
		if b, err = n.fields[i].appendValue(b, columns); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendArray appends the elements of a repeated node.
func (n *parquetNode) appendArray(b []byte, columns []parquetColumn) (_ []byte, err error) {
	b = append(b, '[')
	for more := n.there(columns); more; more = n.goesOn(columns) {
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		if b, err = n.appendElement(b, columns); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendMap appends the repeated pairs of the node as an object.
func (n *parquetNode) appendMap(b []byte, columns []parquetColumn) (_ []byte, err error) {
	b = append(b, '{')
	for more := n.there(columns); more; more = n.goesOn(columns) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		from := len(b)
		if b, err = n.fields[0].appendValue(b, columns); err != nil {
			return b, err
		}
		switch b[from] {
		case '"':
		case 'n':
			return b, &cellError{n.name, errors.New("a key is null")}
		default: // a key that is no text
			key, err := json.Marshal(string(b[from:]))
			if err != nil {
				return b, err
			}
			b = append(b[:from], key...)
		}
		b = append(b, ':')
		if b, err = n.fields[1].appendValue(b, columns); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}
