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
		if opened {
			continue
		}
		more, err := s.skipEnds(floor)
		if !more || err != nil {
			return err
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
		if err := s.open(); err != nil {
			return false, err
		}
		s.pos++
		s.space()
		if s.take(c + 2) { // '}' and ']' are two behind '{' and '['
			s.shut()
			return false, nil
		}
		word, bit := &s.nest[(s.base-1)>>6], uint64(1)<<((s.base-1)&63)
		if c == '{' {
			*word |= bit
			return true, s.skipKey()
		}
		*word &^= bit
		return true, nil
	case 't':
		return false, s.want("true")
	case 'f':
		return false, s.want("false")
	case 'n':
		return false, s.want("null")
	}
	_, err = s.number()
	return false, err
}

// want skips the word w.
func (s *scanner) want(w string) error {
	if !s.literal(w) {
		return s.syntax("a value")
	}
	return nil
}

// skipEnds moves behind the brackets that close after a value. With more, it
// stands at the next value of a container above floor.
func (s *scanner) skipEnds(floor int) (more bool, err error) {
	for s.base > floor {
		object := s.nest[(s.base-1)>>6]&(1<<((s.base-1)&63)) != 0
		s.space()
		switch c := s.peek(); {
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
		case object:
			return false, s.syntax("',' or '}'")
		default:
			return false, s.syntax("',' or ']'")
		}
	}
	return false, nil
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

// colon moves behind a colon, up to the value.
func (s *scanner) colon() error {
	s.space()
	if !s.take(':') {
		return s.syntax("':' after a key")
	}
	s.space()
	return nil
}

// raw moves behind the JSON value at pos, checks it and returns its text.
func (s *scanner) raw() ([]byte, error) {
	start := s.pos
	if err := s.skip(); err != nil {
		return nil, err
	}
	return s.data[start:s.pos], nil
}
