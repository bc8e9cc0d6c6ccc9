// Package rejects keeps the rejects file of a load: rows that were not loaded, one
// JSON object a line, in the order of the input.
package rejects

import (
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// Entry is a line of the rejects file:
//
//	{"file":…,"line":7,"offset":105,"schema":…,"field":…,"error":…,"raw":…,"reason":…,"chunk":"01…"}
//	└──────────────────────── what Lines holds, with its } ─────────────────────────┘└── the end ──┘
//
// The end tells where the entry is from. It is one of
//
//	,"chunk":"<token of the row's chunk>"
//	,"path":"<path of the input whose last line is cut>"
//	,"check":true
//
// or nothing for a line that was cut off at the end of standard input or a pipe.
type Entry struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"`
	Schema string `json:"schema"`
	Field  string `json:"field"`
	Error  string `json:"error"`
	// Raw is the row as it was. If it is not valid UTF-8 it is empty, and RawBase64
	// holds the bytes.
	Raw       string `json:"raw"`
	RawBase64 []byte `json:"raw_base64,omitempty"`
	// RawCut says that only the beginning of the row is here.
	RawCut bool   `json:"raw_cut,omitempty"`
	Reason string `json:"reason"`

	Chunk string `json:"chunk,omitempty"`
	Path  string `json:"path,omitempty"`
	Check bool   `json:"check,omitempty"`
}

// SetRaw puts the row into the entry. If it is cut, an incomplete character at its
// end is left out.
func (e *Entry) SetRaw(raw []byte, cut bool) {
	if e.RawCut = cut; cut {
		raw = wholeRunes(raw)
	}
	if utf8.Valid(raw) {
		e.Raw = string(raw)
	} else {
		e.RawBase64 = raw
	}
}

// wholeRunes drops up to three bytes from the end of b when they are the
// beginning of a character.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// keys are what has to be known of an entry that is in the file already.
type keys struct {
	offset int64
	chunk  string // token; empty for cut lines and dry runs
	path   string // of the input of a cut line, if it is known
	check  bool
}

// readKeys reads the keys of an entry, and reports whether the line is one. It
// steps over the row without copying it.
func readKeys(d *jx.Decoder, line []byte) (k keys, ok bool) {
	d.ResetBytes(line)
	var file, text, reason string
	var number int64
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "file":
			file, err = d.Str()
		case "line":
			number, err = d.Int64()
		case "offset":
			k.offset, err = d.Int64()
		case "error":
			text, err = d.Str()
		case "reason":
			reason, err = d.Str()
		case "chunk":
			k.chunk, err = d.Str()
		case "path":
			k.path, err = d.Str()
		case "check":
			k.check, err = d.Bool()
		default:
			err = d.Skip()
		}
		return err
	})
	return k, err == nil && file != "" && number > 0 && text != "" && reason != ""
}
