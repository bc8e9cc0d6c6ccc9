package input

import "bytes"

// valueScanner finds the end of a JSON value, however it comes in pieces. It counts
// brackets and knows texts, and checks nothing else.
type valueScanner struct {
	depth   int
	inText  bool
	escaped bool // behind a backslash in a text
	scalar  bool // a number, true, false, null, or what is none of JSON
	unknown bool // the value has not begun: white space may come before it
}

func isScalar(c byte) bool { return c != '{' && c != '[' && c != '"' }

// next returns how many of the bytes belong to the value, and whether it ends with them.
func (s *valueScanner) next(b []byte) (n int, done bool) {
	if s.unknown {
		for n < len(b) && isSpace(b[n]) {
			n++
		}
		if n == len(b) {
			return n, false
		}
		s.unknown, s.scalar = false, isScalar(b[n])
	}
	if s.scalar {
		for n < len(b) && !isSpace(b[n]) && b[n] != ',' && b[n] != ']' && b[n] != '}' {
			n++
		}
		return n, n < len(b)
	}
	for n < len(b) {
		if s.inText {
			n += s.text(b[n:])
			if !s.inText && s.depth == 0 {
				return n, true
			}
			continue
		}
		switch structure[b[n]] {
		case 1:
			s.inText = true
		case 2:
			s.depth++
		case 3:
			if s.depth--; s.depth <= 0 {
				return n + 1, true
			}
		}
		n++
	}
	return n, false
}

// structure says what a byte outside of texts is: a quote, or a bracket that opens or
// closes.
var structure = [256]uint8{'"': 1, '{': 2, '[': 2, '}': 3, ']': 3}

// text steps over some of a text, to behind its end if that is there.
func (s *valueScanner) text(b []byte) (n int) {
	if s.escaped {
		s.escaped, n = false, 1
	}
	for {
		quote := bytes.IndexByte(b[n:], '"')
		if quote < 0 {
			s.escaped = endsEscaped(b[n:])
			return len(b)
		}
		end := n + quote
		if !endsEscaped(b[n:end]) {
			s.inText = false
			return end + 1
		}
		n = end + 1
	}
}

// endsEscaped reports whether what follows a piece of a text is escaped: the backslashes at its
// end are odd in number.
func endsEscaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// Objects returns the JSON objects that a line consists of, with white space between them
// at most, or nil if it is something else. It finds where they begin and end and checks
// nothing else.
func Objects(line []byte) (objects [][]byte) {
	for {
		line = bytes.TrimLeft(line, " \t\r\n")
		if len(line) == 0 {
			return objects
		}
		if line[0] != '{' {
			return nil
		}
		var s valueScanner
		n, done := s.next(line)
		if !done {
			return nil
		}
		objects = append(objects, line[:n])
		line = line[n:]
	}
}
