package block

import "github.com/ClickHouse/ch-go/proto"

// boolColumn holds true and false. Numbers and text are refused.
type boolColumn struct {
	fixed[bool, proto.ColBool]
}

func (c *boolColumn) appendJSON(s *scanner) error {
	switch s.peek() {
	case 't':
		if s.literal("true") {
			c.push(true)
			return nil
		}
	case 'f':
		if s.literal("false") {
			c.push(false)
			return nil
		}
	}
	return s.mismatch("true or false")
}

func (c *boolColumn) appendValue(s *scanner, v any) error {
	if x, ok := v.(bool); ok {
		return c.addBool(x)
	}
	return appendOther(c, s, v)
}

func (c *boolColumn) addBool(v bool) error {
	c.push(v)
	return nil
}

func (c *boolColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*boolColumn](src).fixed, from, to)
}
