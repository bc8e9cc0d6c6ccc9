package jsontext

// maxDepth is how deep objects and lists may be in each other, as in encoding/json.
const maxDepth = 10_000

// Valid is json.Valid, several times as fast. Each event that is appended is checked.
func Valid(text []byte) bool {
	at := value(text, skipSpace(text, 0), 0)
	return at >= 0 && skipSpace(text, at) == len(text)
}

// These functions are given where something begins, and return where it ends, or -1.

func value(b []byte, at, depth int) int {
	if at >= len(b) {
		return -1
	}
	switch b[at] {
	case '"':
		return quoted(b, at)
	case '{':
		return members(b, at, depth+1, '}')
	case '[':
		return members(b, at, depth+1, ']')
	case 't':
		return word(b, at, "true")
	case 'f':
		return word(b, at, "false")
	case 'n':
		return word(b, at, "null")
	}
	return number(b, at)
}

// members goes over an object or a list, depth of which are open.
func members(b []byte, at, depth int, end byte) int {
	if depth > maxDepth {
		return -1
	}
	at = skipSpace(b, at+1)
	if at < len(b) && b[at] == end {
		return at + 1
	}
	for at < len(b) {
		if end == '}' {
			if b[at] != '"' {
				return -1
			}
			if at = quoted(b, at); at < 0 {
				return -1
			}
			if at = skipSpace(b, at); at == len(b) || b[at] != ':' {
				return -1
			}
			at = skipSpace(b, at+1)
		}
		if at = value(b, at, depth); at < 0 {
			return -1
		}
		switch at = skipSpace(b, at); {
		case at == len(b):
			return -1
		case b[at] == end:
			return at + 1
		case b[at] != ',':
			return -1
		}
		at = skipSpace(b, at+1)
	}
	return -1
}

func quoted(b []byte, at int) int {
	for at++; at < len(b); at++ {
		switch c := b[at]; {
		case c == '"':
			return at + 1
		case c < ' ':
			return -1
		case c == '\\':
			if at = escape(b, at+1); at < 0 {
				return -1
			}
		}
	}
	return -1
}

// escape returns the last byte of what is behind a backslash.
func escape(b []byte, at int) int {
	if at >= len(b) {
		return -1
	}
	switch b[at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return at
	case 'u':
		for end := at + 4; at < end; {
			if at++; at >= len(b) || !isHex(b[at]) {
				return -1
			}
		}
		return at
	}
	return -1
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func number(b []byte, at int) int {
	if b[at] == '-' {
		at++
	}
	if at < len(b) && b[at] == '0' {
		at++
	} else if at = digits(b, at); at < 0 {
		return -1
	}
	if at < len(b) && b[at] == '.' {
		if at = digits(b, at+1); at < 0 {
			return -1
		}
	}
	if at < len(b) && b[at]|0x20 == 'e' {
		if at++; at < len(b) && (b[at] == '+' || b[at] == '-') {
			at++
		}
		return digits(b, at)
	}
	return at
}

func digits(b []byte, at int) int {
	from := at
	for at < len(b) && '0' <= b[at] && b[at] <= '9' {
		at++
	}
	if at == from {
		return -1
	}
	return at
}

func word(b []byte, at int, want string) int {
	if end := at + len(want); end <= len(b) && string(b[at:end]) == want {
		return end
	}
	return -1
}

func skipSpace(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\n' || b[at] == '\r' || b[at] == '\t') {
		at++
	}
	return at
}
