package block

import (
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// enumColumn holds names of a fixed list, numbered from 1. They are given by
// name; numbers are refused. A value is sent as its number, one byte.
type enumColumn struct {
	fixed[int8, proto.ColInt8]
	names []string
	index map[string]int8
}

func newEnumColumn(typ proto.ColumnType, names []string) column {
	c := &enumColumn{names: names, index: make(map[string]int8, len(names))}
	c.typ = typ
	for i, name := range names {
		c.index[name] = int8(i + 1)
	}
	return c
}

func (c *enumColumn) appendJSON(s *scanner) error {
	if s.peek() != '"' {
		return s.mismatch("the name of an enum value")
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	n, ok := c.index[string(text)]
	if !ok {
		return c.unknown()
	}
	c.push(n)
	return nil
}

func (c *enumColumn) unknown() error {
	const most = 10
	var b strings.Builder
	b.WriteString("use one of ")
	for i, name := range c.names {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == most {
			b.WriteString("… (" + strconv.Itoa(len(c.names)) + " values)")
			break
		}
		b.WriteString(quoted(name))
	}
	return newValueError(ErrFormat, "is not a value of the enum", b.String())
}

// appendZero adds the first name, as ClickHouse does.
func (c *enumColumn) appendZero() { c.push(1) }

func (c *enumColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*enumColumn](src).fixed, from, to)
}
