package block

import "strconv"

// appendContainer appends the values in the object or array at place i, whose key
// is at the given offset. If it is null, they are missing.
func (b *Block) appendContainer(i, key int) error {
	s, p := b.scan, &b.layout.places[i]
	c := &b.layout.containers[p.container]
	if !b.row.see(i) {
		return duplicate(p.path, key)
	}
	at := s.pos
	if s.null() {
		return nil
	}
	if (c.array && s.peek() != '[') || (!c.array && s.peek() != '{') {
		return fieldError(s, p.path, at, c.mismatch(s))
	}
	if err := s.open(); err != nil {
		return fieldError(s, p.path, at, err)
	}
	s.pos++
	s.space()
	b.unknown.enter(p.key)
	if err := b.appendContents(c); err != nil {
		return err
	}
	b.unknown.leave()
	s.shut()
	return nil
}

// appendContents appends the values in a container up to its end, from behind
// its bracket.
func (b *Block) appendContents(c *container) error {
	switch s := b.scan; {
	case c.array:
		return b.appendElements(c)
	case s.take('}'):
		return nil
	}
	return b.appendPairs(c)
}

// appendElements appends the values in an array.
func (b *Block) appendElements(c *container) error {
	s := b.scan
	if s.take(']') {
		return nil
	}
	rest := c.elements
	for n := 0; ; n++ {
		var err error
		if len(rest) > 0 && rest[0].number == n {
			err = b.appendPlace(rest[0].place, s.pos)
			rest = rest[1:]
		} else {
			err = b.appendUnknownElement(c, n)
		}
		if err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			return nil
		default:
			return rowError(asValueError(s.syntax("',' or ']'")))
		}
	}
}

// appendUnknownElement deals with an element of an array that no field takes.
func (b *Block) appendUnknownElement(c *container, number int) error {
	if b.layout.options.UnknownKeys == RejectUnknown {
		return b.refuseUnknown(c.path+strconv.Itoa(number), b.scan.pos, "take the array as json, or choose to ignore or collect unknown keys")
	}
	return b.takeUnknown(c, elementKey(number))
}

// mismatch returns the error for a value that is no such container.
func (c *container) mismatch(s *scanner) error {
	want, first := "an object", ""
	if c.array {
		want, first = "an array", strconv.Itoa(c.elements[0].number)
	} else {
		first = excerpt(c.names[0])
	}
	err := s.mismatch(want)
	if f := asValueError(err); f.is(ErrType) {
		f.hint = "the schema takes fields from inside, such as " + c.path + first + ": take the value as json, if it is not always " + want
	}
	return err
}
