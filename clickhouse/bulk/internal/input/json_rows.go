package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/factload/factload/fact"
)

// jsonRows turns JSON that is not one row a line into lines: an array of rows, rows that
// go over several lines, and rows below a path. It is a stream: of a row it holds
// nothing but what is in its buffer. It finds where values begin and end and checks
// nothing else of them; that is done when the lines are decoded.
//
// The lines are placed ones, see [Place]. Line ends within a row become \r, which is
// white space to JSON, and as little allowed in texts as they are.
type jsonRows struct {
	src    io.Reader
	buf    []byte
	pos    int   // in buf
	end    int   // of what buf has
	err    error // why src has no more
	offset int64 // of buf[pos] in the input
	line   int64 // of buf[pos], from 1

	path  fact.Path // to the rows
	stack []container
	at    state
	// comma means that a value came in the container, so that a comma or the end has to
	// follow, and another that a comma came, so that a value has to follow.
	comma, another bool
	scan           valueScanner
	key            []byte // of an object that the path leads through, in quotes
	pending        []byte // goes out next
	place          []byte // where pending is kept

	found bool     // there was something at the path
	keys  []string // the first keys of the first object at the top, for a message
}

// state is what jsonRows is in, or expects.
type state uint8

const (
	between   state = iota // of values, in the innermost container or at the top
	value                  // one that the path leads to or through comes next
	inRow                  // in a row
	inSkipped              // in a value that the path does not lead to
	inKey                  // in a key of an object
	colon                  // comes next
)

// container is an array or object that the path leads through, or the array of rows.
type container struct {
	close byte // ] or }
	rows  bool
	index int // of the next element
}

const jsonBuffer = 256 << 10

// maxKey is how much is kept of a key; a longer one is none of a path.
const maxKey = 64 << 10

// maxKeysTold is how many keys a message has.
const maxKeysTold = 20

func newJSONRows(src io.Reader, path fact.Path) *jsonRows {
	return &jsonRows{src: src, buf: make([]byte, jsonBuffer), line: 1, path: path}
}

// Read returns lines.
func (r *jsonRows) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case len(r.pending) > 0:
			k := copy(p[n:], r.pending)
			r.pending, n = r.pending[k:], n+k
		case r.pos == r.end:
			if n > 0 {
				return n, nil // what is there need not wait for the source
			}
			if err := r.fill(); err != nil {
				return 0, err
			}
		case r.at == inRow:
			n += r.row(p[n:])
		default:
			if err := r.step(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// row copies some of a row.
func (r *jsonRows) row(p []byte) int {
	k, done := r.scan.next(r.buf[r.pos:min(r.end, r.pos+len(p))])
	copy(p, r.buf[r.pos:r.pos+k])
	for line := p[:k]; ; {
		i := bytes.IndexByte(line, '\n')
		if i < 0 {
			break
		}
		line[i] = '\r'
		line = line[i+1:]
		r.line++
	}
	r.pos, r.offset = r.pos+k, r.offset+int64(k)
	if done {
		r.rowEnded()
	}
	return k
}

// fill reads on. At the end of the input it returns io.EOF, if the input may end there.
func (r *jsonRows) fill() error {
	for r.err == nil {
		r.pos = 0
		if r.end, r.err = r.src.Read(r.buf); r.end > 0 {
			return nil
		}
	}
	switch {
	case !errors.Is(r.err, io.EOF):
		return r.err
	case len(r.stack) == 0 && r.at == inRow && r.scan.scalar:
		r.rowEnded()
		return nil
	case len(r.stack) == 0 && r.at == inSkipped && r.scan.scalar:
		r.valueEnded()
		return r.fill()
	case len(r.stack) == 0 && r.at == inRow:
		return io.EOF // a row that stands by itself, and may be completed later
	case len(r.stack) > 0 || r.at != between:
		return fmt.Errorf("the JSON ends in the middle, on line %d: the file is cut: %w", r.line, io.ErrUnexpectedEOF)
	case len(r.path) > 0 && !r.found && r.offset > 0:
		return fmt.Errorf("%w at the path of the rows; the keys at the top are: %s", ErrNotRows, strings.Join(r.keys, ", "))
	}
	return io.EOF
}

// ErrNotRows means that an input is JSON, but not of rows, or has none where they are
// looked for.
var ErrNotRows = errors.New("no rows")

// step goes on until a row begins, or the buffer ends.
func (r *jsonRows) step() error {
	for r.pos < r.end && r.at != inRow {
		c := r.buf[r.pos]
		switch {
		case r.at == inSkipped || r.at == inKey:
			r.within()
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == recordSeparator && len(r.stack) == 0:
			r.pass(1)
		default:
			if err := r.token(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordSeparator stands in front of each value in a JSON text sequence (RFC 7464).
const recordSeparator = 0x1E

// pass steps over n bytes.
func (r *jsonRows) pass(n int) {
	r.line += int64(bytes.Count(r.buf[r.pos:r.pos+n], newline))
	r.pos, r.offset = r.pos+n, r.offset+int64(n)
}

var newline = []byte{'\n'}

// within steps over some of a value, or takes some of a key.
func (r *jsonRows) within() {
	k, done := r.scan.next(r.buf[r.pos:r.end])
	if r.at == inKey && len(r.key) < maxKey {
		r.key = append(r.key, r.buf[r.pos:r.pos+k]...)
	}
	r.pass(k)
	switch {
	case done && r.at == inKey:
		r.at = colon
	case done:
		r.valueEnded()
	}
}

// token takes the token that begins with c.
func (r *jsonRows) token(c byte) error {
	switch {
	case r.at == value:
		return r.value(c)
	case r.at == colon && c == ':':
		r.pass(1)
		r.member()
		return nil
	case r.at == colon:
		return r.unexpected(c)
	case len(r.stack) == 0:
		r.at = value
		return nil
	}
	in := &r.stack[len(r.stack)-1]
	switch {
	case c == in.close && !r.another:
		r.pass(1)
		r.stack = r.stack[:len(r.stack)-1]
		r.valueEnded()
		return nil
	case c == ',' && r.comma:
		r.pass(1)
		r.comma, r.another = false, true
		return nil
	case r.comma || strings.IndexByte(",:]}", c) >= 0 || in.close == '}' && c != '"':
		return r.unexpected(c)
	case in.close == '}':
		r.at, r.scan, r.key = inKey, valueScanner{}, r.key[:0]
		return nil
	case in.rows:
		r.begin(inRow, c)
		return nil
	}
	in.index++
	r.at = value
	if step := r.path[len(r.stack)-1]; !step.Each && step.Index != in.index-1 {
		r.begin(inSkipped, c)
	}
	return nil
}

func (r *jsonRows) unexpected(c byte) error {
	return fmt.Errorf("%w: %q on line %d, at byte %d, is not what should be there in JSON", ErrNotRows, c, r.line, r.offset)
}

// member decides about the value of a key.
func (r *jsonRows) member() {
	var key string
	known := json.Unmarshal(r.key, &key) == nil
	if len(r.stack) == 1 && !r.found && known && len(r.keys) < maxKeysTold {
		r.keys = append(r.keys, key)
	}
	r.at = value
	if step := r.path[len(r.stack)-1]; !known || step.Key != key {
		r.at, r.scan = inSkipped, valueScanner{unknown: true}
	}
}

// value takes the beginning of a value that the path leads to or through.
func (r *jsonRows) value(c byte) error {
	if strings.IndexByte(",:]}", c) >= 0 {
		return r.unexpected(c)
	}
	depth := len(r.stack)
	there := depth == len(r.path)
	switch {
	case there && c == '[':
		r.found = true
		r.enter(container{close: ']', rows: true})
	case there:
		r.found = true
		r.begin(inRow, c)
	case r.path[depth].InArray && c == '[':
		r.enter(container{close: ']'})
	case !r.path[depth].InArray && c == '{':
		r.enter(container{close: '}'})
	default:
		r.begin(inSkipped, c)
	}
	return nil
}

func (r *jsonRows) enter(c container) {
	r.pass(1)
	r.stack = append(r.stack, c)
	r.at, r.comma, r.another = between, false, false
}

// begin begins a row, or a value to step over.
func (r *jsonRows) begin(what state, c byte) {
	r.at, r.scan = what, valueScanner{scalar: isScalar(c)}
	if what == inRow {
		r.place = Place{Offset: r.offset, Line: r.line}.append(r.place[:0])
		r.pending = r.place
	}
}

// rowEnded ends the line of a row.
func (r *jsonRows) rowEnded() {
	r.pending = append(r.place[:0], '\n') //nolint:gocritic // the place is where pending bytes live
	r.valueEnded()
}

// valueEnded goes on behind a value.
func (r *jsonRows) valueEnded() {
	r.at, r.comma, r.another = between, true, false
}
