package block

import "bytes"

// AppendJSON appends one row from the text of one JSON object, which white
// space may surround. Nothing else may: no byte order mark, no second object.
//
// On error, which is a *FieldError, the block is as before. The line is not
// kept; the caller may reuse it.
//
// If the schema has a field that carries the fact ID, the object must have it;
// see AppendJSONFact for IDs that come from elsewhere.
func (b *Block) AppendJSON(line []byte) error {
	return b.AppendJSONFact("", line)
}

// AppendJSONFact is AppendJSON for a fact whose ID is known from elsewhere,
// such as its log event. The ID fills the field that carries it; when the
// object has that field too, both must be equal. An empty ID means none.
func (b *Block) AppendJSONFact(id string, line []byte) error {
	b.scan.reset(line)
	b.row.begin()
	err := b.appendObject()
	if err == nil {
		err = b.complete(id)
	}
	b.scan.reset(nil) // lets go of the line
	if err != nil {
		b.rollback()
		return err
	}
	b.rows++
	return nil
}

// appendObject appends the values of the object in the line.
func (b *Block) appendObject() error {
	s := b.scan
	b.unknown.begin()
	s.space()
	if s.peek() != '{' {
		return b.notAnObject()
	}
	s.pos++
	s.base++
	s.space()
	if !s.take('}') {
		if err := b.appendPairs(&b.layout.containers[0]); err != nil {
			return err
		}
	}
	s.space()
	if s.pos < len(s.data) {
		return rowError(&valueError{
			kind: ErrTrailing, at: s.pos,
			text: "trailing data behind the object: `" + excerptBytes(s.data[s.pos:]) + "`",
			hint: "put each object on a line of its own",
		})
	}
	return nil
}

// appendPairs appends the values of an object's keys, up to its end.
func (b *Block) appendPairs(c *container) error {
	s := b.scan
	last := c.start
	for {
		at := s.pos
		i := b.expectKey(last)
		if i < 0 {
			var err error
			if i, err = b.readKey(c, last); err != nil {
				return err
			}
		}
		switch {
		case i < 0:
		case i < len(b.columns) && b.layout.words[i] == 0 && b.row.mark(i):
			// The usual value, without one call more than it takes.
			at = s.pos
			if err := b.columns[i].appendJSON(s); err != nil {
				return fieldError(s, b.layout.fields[i].name, at, err)
			}
			last = i + 1
		default:
			if err := b.appendPlace(i, at); err != nil {
				return err
			}
			last = i + 1
		}
		switch s.next() {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			return nil
		default:
			return rowError(asValueError(s.syntax("',' or '}'")))
		}
	}
}

// appendPlace appends the value at place i, whose key is at the given offset.
func (b *Block) appendPlace(i, key int) error {
	s := b.scan
	if i >= len(b.columns) {
		return b.appendContainer(i, key)
	}
	if !b.row.mark(i) {
		return duplicate(b.layout.places[i].path, key)
	}
	at := s.pos
	if b.layout.words[i] != 0 {
		return b.appendByWords(i)
	}
	if err := b.columns[i].appendJSON(s); err != nil {
		return fieldError(s, b.layout.fields[i].name, at, err)
	}
	return nil
}

// maxSkipped is how many likely keys are tried before the key is looked up:
// rows often lack some of the keys and have the others in order.
const maxSkipped = 4

// expectKey moves up to the value if one of the keys is there that are likely
// to follow what was last: the one that did the last time, the one that did
// before that, or one that comes some keys later. It returns the place, or -1.
func (b *Block) expectKey(last int) int {
	s, keys := b.scan, b.layout.keys
	data := s.data[s.pos:]
	follow, other := &b.row.follow[last], &b.row.other[last]
	place := *follow
	switch {
	case keys[place].begins(data):
	case keys[*other].begins(data):
		place = *other
		*other, *follow = *follow, place
	default:
		if place = b.skipKeys(place, data); place < 0 {
			return -1
		}
	}
	s.pos += len(keys[place].text)
	s.space()
	return place
}

// skipKeys returns the place whose key data begins with, if it is one of those
// that follow the given one, or -1.
func (b *Block) skipKeys(place int, data []byte) int {
	for range maxSkipped - 1 {
		place = b.row.follow[place+1]
		if b.layout.keys[place].begins(data) {
			return place
		}
	}
	return -1
}

// readKey reads a key that was not expected behind what was last, up to its
// value. For an unknown key it deals with the value too and returns -1.
func (b *Block) readKey(c *container, last int) (int, error) {
	s, at := b.scan, b.scan.pos
	if s.peek() != '"' {
		return 0, rowError(asValueError(s.syntax("a key in double quotes")))
	}
	key, err := s.text()
	if err != nil {
		return 0, rowError(asValueError(err))
	}
	i, known := c.index[string(key)]
	raw := s.data[at:s.pos]
	if !known {
		if err := b.checkUnknown(c, key, at); err != nil {
			return 0, err
		}
	}
	if err := s.colon(); err != nil {
		return 0, rowError(asValueError(err))
	}
	if !known {
		return -1, b.takeUnknown(c, raw)
	}
	b.row.other[last], b.row.follow[last] = b.row.follow[last], i
	return i, nil
}

// notAnObject returns the error for a line that does not begin with a brace.
func (b *Block) notAnObject() error {
	s := b.scan
	f := asValueError(s.mismatch("a JSON object"))
	if bytes.HasPrefix(s.data[s.pos:], []byte("\xef\xbb\xbf")) {
		f.hint = "the line begins with a byte order mark: remove it"
	}
	if f.is(ErrNull) {
		f.kind, f.text, f.hint = ErrType, "is null, want a JSON object", ""
	}
	if !f.bare {
		f.text = "the row " + f.text
	}
	f.at = min(s.pos, len(s.data))
	return rowError(f)
}

func duplicate(name string, at int) error {
	return &FieldError{
		Field: name, Offset: at,
		Err:  newValueError(ErrDuplicateKey, "the key is there twice", ""),
		Hint: "keep one of them",
	}
}

// rowError returns the error for what is wrong outside of any field.
func rowError(f *valueError) error {
	return &FieldError{Offset: f.at, Err: f, Hint: f.hint}
}

// fieldError returns the error for a field, whose value begins at offset at of
// what s reads.
func fieldError(s *scanner, name string, at int, err error) error {
	f := asValueError(err)
	if f.at == noOffset {
		f.at = at
	}
	e := &FieldError{Field: name, Path: f.path, Value: f.value, Offset: f.at, Err: f, Hint: f.hint}
	if e.Value == "" && !f.bare {
		e.Value = rawAt(s.data, f.at)
	}
	return e
}

// rawAt returns the JSON value at offset at, cut. If it is not valid JSON it
// is what is there.
func rawAt(data []byte, at int) string {
	s := newScanner(DefaultMaxDepth)
	s.reset(data)
	s.pos = at
	s.space()
	at = s.pos
	raw, err := s.raw()
	if err != nil {
		raw = data[at:]
	}
	return excerptBytes(raw)
}
