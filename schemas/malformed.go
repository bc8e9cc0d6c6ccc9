package schemas

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFileBytes is the size above which a schema file is refused: a file of that size is something else.
const MaxFileBytes = 4 << 20

// readable reports whether data is text that a YAML parser takes. If not, it reports the first character that is wrong.
func (p *problems) readable(data []byte) bool {
	if len(data) > MaxFileBytes {
		p.add(position{}, "the file has more than %d bytes: it cannot be a schema", MaxFileBytes)
		return false
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		p.add(position{1, 1}, "the file is UTF-16: save it as UTF-8")
		return false
	}
	line, column := 1, 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			p.add(position{line, column}, "byte 0x%02x is not UTF-8: save the file as UTF-8", data[i])
			return false
		case r == '\n':
			line, column = line+1, 0
		case unicode.IsControl(r) && r != '\t' && r != '\r' && r != 0x85:
			p.add(position{line, column}, "control character %U is not allowed in YAML", r)
			return false
		}
		i += size
		column++
	}
	return true
}

var (
	// parserLine takes a message of the YAML parser apart. The package has no type for it.
	parserLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	// oneLineShort are the problems for which the parser counts lines from 0.
	oneLineShort = regexp.MustCompile(`^did not find expected (<|node|'|key)|^found (duplicate|undefined tag handle|incompatible YAML)`)
	// unknownAnchor is a problem that comes without a line.
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// malformed reports what the YAML parser did not like. Its line is that of the problem or of the block around it.
func (p *problems) malformed(data []byte, err error) {
	m := parserLine.FindStringSubmatch(err.Error())
	if m == nil {
		p.add(position{}, "not valid YAML: %v", err)
		return
	}
	problem := m[2]
	line, _ := strconv.Atoi(m[1]) // no number stands for the first line
	if line == 0 || oneLineShort.MatchString(problem) {
		line++
	}
	if anchor := unknownAnchor.FindStringSubmatch(problem); anchor != nil {
		p.add(find(data, "*"+anchor[1]), noAliases)
		return
	}
	if at, ok := tabIndent(data, line); ok && strings.Contains(problem, "cannot start any token") {
		p.add(at, "a tab cannot indent a line in YAML: use spaces")
		return
	}
	p.add(position{line: line}, "not valid YAML here or below: %s", problem)
}

// find returns the position of the first place where data has the given text.
func find(data []byte, text string) position {
	i := bytes.Index(data, []byte(text))
	if i < 0 {
		return position{}
	}
	start := bytes.LastIndexByte(data[:i], '\n') + 1
	return position{1 + bytes.Count(data[:i], []byte("\n")), 1 + utf8.RuneCount(data[start:i])}
}

// tabIndent returns the position of the first tab in an indentation, at most one line away from the given line.
func tabIndent(data []byte, line int) (position, bool) {
	for i, text := range bytes.Split(data, []byte("\n")) {
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 && i+1 >= line-1 && i+1 <= line+1 {
			return position{i + 1, tab + 1}, true
		}
	}
	return position{}, false
}
