package block

import "github.com/ClickHouse/ch-go/proto"

// jsonColumn holds JSON values as text, byte for byte as they were given.
type jsonColumn struct{ stringColumn }

func (c *jsonColumn) appendJSON(s *scanner) error {
	if s.nullByWords() {
		return isNull()
	}
	raw, err := s.raw()
	if err != nil {
		return err
	}
	c.push(raw)
	return nil
}

// appendZero adds an empty object: the column always holds JSON. Package ddl
// gives it the same default.
func (c *jsonColumn) appendZero() { c.pushString("{}") }

func (c *jsonColumn) appendRows(src column, from, to int) {
	c.pushRange(&as[*jsonColumn](src).wireStrings, from, to)
}

// nativeJSONColumn holds JSON objects in ClickHouse's own JSON type. They are
// sent as text, which the server parses:
//
//	version = 1         uint64, the state prefix: text follows
//	object 0 | object 1 | …     strings
type nativeJSONColumn struct {
	stringColumn
	paths pathSet
}

// EncodeState announces that the objects follow as text.
func (c *nativeJSONColumn) EncodeState(b *proto.Buffer) {
	b.PutUInt64(proto.JSONStringSerializationVersion)
}

var _ proto.StateEncoder = (*nativeJSONColumn)(nil)

// appendJSON takes an object that the server will take too: without paths that
// occur twice and without numbers beyond 64 bits.
func (c *nativeJSONColumn) appendJSON(s *scanner) error {
	if s.peek() != '{' {
		return s.mismatch("an object")
	}
	start := s.pos
	raw, err := s.raw()
	if err != nil {
		return err
	}
	end := s.pos
	s.pos = start
	if err := c.paths.check(s); err != nil {
		return err
	}
	s.pos = end
	c.push(raw)
	return nil
}

func (c *nativeJSONColumn) appendZero() { c.pushString("{}") }

func (c *nativeJSONColumn) appendRows(src column, from, to int) {
	c.pushRange(&as[*nativeJSONColumn](src).wireStrings, from, to)
}
