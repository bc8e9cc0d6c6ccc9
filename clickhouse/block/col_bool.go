package block

import "github.com/ClickHouse/ch-go/proto"

// boolColumn holds true and false, each sent as a byte, 1 or 0. Numbers and text
// are refused.
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

func (c *boolColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*boolColumn](src).fixed, from, to)
}
