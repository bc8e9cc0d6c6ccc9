package block

import "github.com/factload/factload/fact"

// words are what the schema says of how values of a field are written, as far as
// the scanner and the block see to it. The columns know the rest.
type words uint8

const (
	nanIsNull words = 1 << iota
	replaceSurrogates
	nullIsDefault
	quotedNaN // in quotes, NaN is null too
)

func wordsOf(f fact.Field) (w words) {
	for _, word := range []struct {
		bit words
		set bool
	}{
		{nanIsNull, f.NaNIsNull},
		{replaceSurrogates, f.ReplaceSurrogates},
		{nullIsDefault, f.NullIsDefault},
		{quotedNaN, f.NaNIsNull && f.Quoted},
	} {
		if word.set {
			w |= word.bit
		}
	}
	return w
}

// appendByWords appends the value of field i, which has words.
func (b *Block) appendByWords(i int) error {
	s, w := b.scan, b.layout.words[i]
	at := s.pos
	if w&nullIsDefault != 0 {
		s.words = w
		null := s.nullByWords()
		s.words = 0
		if null {
			return b.appendAbsent(i)
		}
	}
	s.words = w
	err := b.columns[i].appendJSON(s)
	s.words = 0
	if err != nil {
		return fieldError(s, b.layout.fields[i].name, at, err)
	}
	return nil
}

// A patch is a piece of a value that is stored in another way than it is
// written.
type patch struct {
	from, to int // in the line
	text     string
}

// replaced is what half of a surrogate pair is replaced by.
const replaced = `\ufffd`

// notANumber skips a word that Python writes for a number that JSON does not
// have, and reports whether there was one.
func (s *scanner) notANumber() bool {
	if s.peek() == '"' {
		return s.words&quotedNaN != 0 && (s.literal(`"NaN"`) || s.literal(`"Infinity"`) || s.literal(`"-Infinity"`))
	}
	return s.literal("NaN") || s.literal("Infinity") || s.literal("-Infinity")
}

// skipNotANumber is notANumber within a value that is stored as text.
func (s *scanner) skipNotANumber() bool {
	from := s.pos
	if s.words&nanIsNull == 0 || !s.notANumber() {
		return false
	}
	s.patches = append(s.patches, patch{from, s.pos, "null"})
	return true
}

// patched returns the text between two places of the line with its patches made.
// It is valid until the next call.
func (s *scanner) patched(from, to int) []byte {
	s.patchedText = s.patchedText[:0]
	for _, p := range s.patches {
		s.patchedText = append(append(s.patchedText, s.data[from:p.from]...), p.text...)
		from = p.to
	}
	s.patchedText = append(s.patchedText, s.data[from:to]...)
	return s.patchedText
}
