package block

// skip moves behind the JSON value at pos and checks it in full. It needs no
// stack but one bit for each open container.
func (s *scanner) skip() error {
	floor := s.base
	for {
		opened, err := s.skipOne()
		if err != nil {
			return err
		}
		for !opened && s.base > floor {
			if opened, err = s.skipEnd(); err != nil {
				return err
			}
		}
		if !opened {
			return nil
		}
	}
}

// skipOne moves behind a scalar or an empty container, or into a container
// and up to its first value.
func (s *scanner) skipOne() (opened bool, err error) {
	switch c := s.peek(); c {
	case '"':
		return false, s.skipString()
	case '{', '[':
		return s.skipOpen(c)
	case 't':
		return false, s.want("true")
	case 'f':
		return false, s.want("false")
	case 'n':
		return false, s.want("null")
	}
	return false, s.skipNumber()
}

// skipOpen moves behind the bracket c and up to the first value, or behind the
// container if it is empty.
func (s *scanner) skipOpen(c byte) (opened bool, err error) {
	if err := s.open(); err != nil {
		return false, err
	}
	s.pos++
	if s.next() == c+2 { // '}' and ']' are two behind '{' and '['
		s.pos++
		s.shut()
		return false, nil
	}
	word, bit := s.nestBit()
	if c == '{' {
		*word |= bit
		return true, s.skipKey()
	}
	*word &^= bit
	return true, nil
}

// nestBit returns the place of the bit of the innermost container.
func (s *scanner) nestBit() (word *uint64, bit uint64) {
	i := s.base - 1
	return &s.nest[i>>6], 1 << (i & 63)
}

// skipEnd moves behind what follows a value in a container: the bracket that
// closes it, or a comma and up to the next value, which is more.
func (s *scanner) skipEnd() (more bool, err error) {
	word, bit := s.nestBit()
	object := *word&bit != 0
	switch c := s.next(); {
	case c == ',':
		s.pos++
		s.space()
		if object {
			return true, s.skipKey()
		}
		return true, nil
	case c == '}' && object, c == ']' && !object:
		s.pos++
		s.shut()
		return false, nil
	case object:
		return false, s.syntax("',' or '}'")
	}
	return false, s.syntax("',' or ']'")
}

// skipKey moves behind a key and its colon, up to the value.
func (s *scanner) skipKey() error {
	if s.peek() != '"' {
		return s.syntax("a key in double quotes")
	}
	if err := s.skipString(); err != nil {
		return err
	}
	return s.colon()
}

// want skips the word w.
func (s *scanner) want(w string) error {
	if !s.literal(w) {
		return s.syntax("a value")
	}
	return nil
}

// colon moves behind a colon, up to the value.
func (s *scanner) colon() error {
	if s.next() != ':' {
		return s.syntax("':' after a key")
	}
	s.pos++
	s.space()
	return nil
}

// raw moves behind the JSON value at pos, checks it and returns its text, which
// the words of the field may have changed. That is valid until the next call.
func (s *scanner) raw() ([]byte, error) {
	start := s.pos
	s.patches = s.patches[:0]
	if err := s.skip(); err != nil {
		return nil, err
	}
	if len(s.patches) > 0 {
		return s.patched(start, s.pos), nil
	}
	return s.data[start:s.pos], nil
}
