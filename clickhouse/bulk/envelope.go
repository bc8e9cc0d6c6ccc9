package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// envelope takes lines apart that name the schema of their row. It is used
// again for every line; what parse returns is valid until the next one.
type envelope struct {
	format  Format
	anyData bool // data may be no object
	dec     jx.Decoder
	visit   func(d *jx.Decoder, key []byte) error // made once

	seen             uint16 // a bit for each of envelopeKeys
	schema, id, data []byte
}

// The keys of envelopes, by their bit in envelope.seen.
const (
	keySchema = iota
	keyID
	keyData
	keyType
	keyStream
	keyMetadata
	keySequence
	keyOccurredAt
)

var envelopeKeys = []string{"schema", "id", "data", "type", "stream", "metadata", "sequence", "occurred_at"}

// factKeys and eventKeys are the keys that each kind may have.
const (
	factKeys  = 1<<keySchema | 1<<keyID | 1<<keyData
	eventKeys = 1<<keyType | 1<<keyID | 1<<keyData | 1<<keyStream | 1<<keyMetadata | 1<<keySequence | 1<<keyOccurredAt
)

func newEnvelope(format Format) *envelope {
	e := &envelope{format: format}
	e.visit = e.key
	return e
}

// parse takes a line apart. The schema, the ID and the row are in the fields
// then; the row has not been checked further than finding its end.
func (e *envelope) parse(line []byte) error {
	e.seen, e.schema, e.id, e.data = 0, nil, nil, nil
	if !utf8.Valid(line) {
		return rowFault(block.ErrUTF8, "")
	}
	e.dec.ResetBytes(line)
	if e.dec.Next() != jx.Object {
		return rowFault(block.ErrType, "the line is not a JSON object")
	}
	if err := e.dec.ObjBytes(e.visit); err != nil {
		if fault, ok := errors.AsType[*block.FieldError](err); ok {
			return fault
		}
		return rowFault(block.ErrSyntax, syntaxText(err))
	}
	if err := e.dec.Skip(); !errors.Is(err, io.EOF) {
		return rowFault(block.ErrTrailing, "put each object on a line of its own")
	}
	return e.check()
}

// syntaxText returns what the decoder says, without the names of its own
// functions.
func syntaxText(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// key reads the value of one key.
func (e *envelope) key(d *jx.Decoder, key []byte) error {
	k := -1
	for i, name := range envelopeKeys {
		if string(key) == name {
			k = i
			break
		}
	}
	if k < 0 {
		return &block.FieldError{
			Field: string(key), Offset: -1, Err: block.ErrUnknownKey,
			Hint: envelopeHint,
		}
	}
	if e.seen&(1<<k) != 0 {
		return &block.FieldError{Field: envelopeKeys[k], Offset: -1, Err: block.ErrDuplicateKey}
	}
	e.seen |= 1 << k
	var err error
	switch k {
	case keySchema, keyType:
		e.schema, err = textValue(d, envelopeKeys[k])
	case keyID:
		e.id, err = textValue(d, "id")
	case keyData:
		var raw jx.Raw
		raw, err = d.Raw()
		e.data = raw
	default:
		err = d.Skip()
	}
	return err
}

// isEnvelope reports whether a row is an envelope, or an event, and has no other keys.
func isEnvelope(row []byte) bool {
	var keys map[string]json.RawMessage
	if json.Unmarshal(row, &keys) != nil {
		return false
	}
	for key := range keys {
		if !slices.Contains(envelopeKeys, key) {
			return false
		}
	}
	return keys["data"] != nil && (keys["schema"] != nil || keys["type"] != nil)
}

// judgeFirst refuses a load by its first line, when that is certainly no
// envelope: every other line would be rejected too.
func judgeFirst(in *input.File, line []byte) error {
	if looksLikeHeader(line) {
		return fmt.Errorf("%w: %w: %s begins like a table with a header: CSV and TSV need the name of the schema", ErrConfig, ErrNoSchema, in.Name)
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(line, &keys) != nil || len(keys) == 0 || keys["data"] != nil {
		return nil
	}
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(keys)), func(key string) bool { return slices.Contains(envelopeKeys, key) })
	if len(others) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w: %s is of bare rows, as its first line has a key %q and no \"data\": name the schema of the rows", ErrConfig, ErrNoSchema, in.Name, others[0])
}

// header is a line of at least two names with commas or tabs between them.
var header = regexp.MustCompile(`^"?[\pL_][^,\t{}\[\]]*([,\t]"?[\pL_][^,\t{}\[\]]*)+$`)

// looksLikeHeader reports whether a line is like the header of CSV, and not JSON.
func looksLikeHeader(line []byte) bool { return header.Match(bytes.TrimPrefix(line, input.BOM)) }

const envelopeHint = `an envelope is {"schema":…,"data":{…}}, or an event as the log has it; bare rows need the name of their schema`

// textValue reads a string. It is the line's own bytes unless it has escapes.
func textValue(d *jx.Decoder, name string) ([]byte, error) {
	if d.Next() != jx.String {
		return nil, &block.FieldError{Field: name, Offset: -1, Err: fmt.Errorf("%w: want a string", block.ErrType), Hint: envelopeHint}
	}
	raw, err := d.Raw()
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil // the line is valid UTF-8
	}
	text, err := block.Text(raw)
	if fault := (*block.FieldError)(nil); errors.As(err, &fault) {
		fault.Field, fault.Offset = name, -1
	}
	return text, err
}

// check decides between the kinds of envelope and whether all of it is there.
func (e *envelope) check() error {
	allowed := uint16(factKeys)
	name := keySchema
	if e.format == Events || e.format == Auto && e.seen&(1<<keySchema) == 0 && e.seen&(1<<keyType) != 0 {
		allowed, name = eventKeys, keyType
	}
	for k := range envelopeKeys {
		if e.seen&^allowed&(1<<k) != 0 {
			return &block.FieldError{Field: envelopeKeys[k], Offset: -1, Err: block.ErrUnknownKey, Hint: "an envelope is either a fact or an event"}
		}
	}
	for _, k := range []int{name, keyData} {
		if e.seen&(1<<k) == 0 {
			return &block.FieldError{Field: envelopeKeys[k], Offset: -1, Err: block.ErrMissing, Hint: envelopeHint}
		}
	}
	if !e.anyData && !bytes.HasPrefix(e.data, []byte{'{'}) {
		return &block.FieldError{Field: "data", Offset: -1, Err: fmt.Errorf("%w: want a JSON object", block.ErrType)}
	}
	return nil
}

// rowFault returns the error for a line as a whole.
func rowFault(kind error, hint string) error {
	return &block.FieldError{Offset: -1, Err: kind, Hint: hint}
}
