package eventlog

import (
	"bytes"
	"encoding/json"
	"time"
)

// AppendEventLine appends the event to b as one line of JSON, without a line
// break: with the keys that Event marshals to, and Data as it is, byte for byte. Only
// Data that has a line break in its white space is compacted. An event without Data has
// no key for it.
func AppendEventLine(b []byte, e Event) ([]byte, error) {
	head := struct {
		ID     string `json:"id"`
		Stream string `json:"stream"`
		Type   string `json:"type"`
	}{e.ID, e.Stream, e.Type}
	tail := struct {
		Metadata   map[string]string `json:"metadata,omitempty"`
		Sequence   int64             `json:"sequence"`
		OccurredAt time.Time         `json:"occurred_at"`
	}{e.Metadata, e.Sequence, e.OccurredAt}
	line := bytes.NewBuffer(b)
	if err := encodePart(line, head); err != nil {
		return b, err
	}
	if len(e.Data) > 0 {
		line.Truncate(line.Len() - 1) // the brace
		line.WriteString(`,"data":`)
		if err := writeRaw(line, e.Data); err != nil {
			return b, err
		}
		line.WriteByte('}')
	}
	line.Truncate(line.Len() - 1)
	line.WriteByte(',')
	at := line.Len()
	if err := encodePart(line, tail); err != nil {
		return b, err
	}
	whole := line.Bytes()
	return append(whole[:at], whole[at+1:]...), nil // without the tail's own brace
}

// encodePart writes the value without its line break.
func encodePart(to *bytes.Buffer, value any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	to.Truncate(to.Len() - 1)
	return nil
}

// writeRaw writes JSON on one line.
func writeRaw(to *bytes.Buffer, data []byte) error {
	if bytes.ContainsAny(data, "\r\n") {
		return json.Compact(to, data)
	}
	to.Write(data)
	return nil
}
