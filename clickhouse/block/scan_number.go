package block

// number moves behind the JSON number at pos and returns its text.
func (s *scanner) number() ([]byte, error) {
	start := s.pos
	s.take('-')
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case c >= '1' && c <= '9':
		s.digits()
	default:
		if s.pos > start {
			return nil, s.syntax("a digit")
		}
		return nil, s.syntax("a value")
	}
	if s.take('.') && !s.digits() {
		return nil, s.syntax("a digit after the decimal point")
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return nil, s.syntax("a digit in the exponent")
		}
	}
	return s.data[start:s.pos], nil
}

// skipNumber moves behind the JSON number at pos.
func (s *scanner) skipNumber() error {
	i := s.pos
	for i < len(s.data) && s.data[i]-'0' <= 9 {
		i++
	}
	if n := i - s.pos; n > 0 && (n == 1 || s.data[s.pos] != '0') && (i == len(s.data) || (s.data[i] != '.' && s.data[i]|0x20 != 'e')) {
		s.pos = i // just digits
		return nil
	}
	if s.skipNotANumber() {
		return nil
	}
	_, err := s.number()
	return err
}

// digits moves behind a run of digits and reports whether there was any.
func (s *scanner) digits() bool {
	i := s.pos
	for i < len(s.data) && s.data[i]-'0' <= 9 {
		i++
	}
	found := i > s.pos
	s.pos = i
	return found
}

// isNumber reports whether a JSON number may begin with c.
func isNumber(c byte) bool { return c == '-' || c-'0' <= 9 }

// maxFastDigits is how many digits always fit into a uint64.
const maxFastDigits = 19

// integer reads the JSON number at pos as an integer: its sign and magnitude.
// Numbers such as 3.0 and 1e3 are integers. One that is not gives
// ErrPrecision; one beyond 64 bits of magnitude gives ErrRange.
func (s *scanner) integer() (magnitude uint64, negative bool, err error) {
	i := s.pos
	if i < len(s.data) && s.data[i] == '-' {
		negative = true
		i++
	}
	first := i
	for i < len(s.data) {
		d := uint64(s.data[i] - '0')
		if d > 9 {
			break
		}
		magnitude = magnitude*10 + d
		i++
	}
	n := i - first
	plain := n > 0 && n <= maxFastDigits && (s.data[first] != '0' || n == 1)
	if plain && (i == len(s.data) || (s.data[i] != '.' && s.data[i]|0x20 != 'e')) {
		s.pos = i
		return magnitude, negative, nil
	}
	text, err := s.number()
	if err != nil {
		return 0, false, err
	}
	return exactInteger(text)
}
