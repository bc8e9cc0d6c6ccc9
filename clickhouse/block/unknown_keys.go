package block

import (
	"strings"

	"github.com/factload/factload/fact"
)

// unknownKeys are the keys of a row that are not fields.
type unknownKeys struct {
	seen   interner
	object []byte // what is collected: an open object, or empty
}

func (x *unknownKeys) begin() {
	if x.seen.len() > 0 {
		x.seen.clear()
	}
	x.object = x.object[:0]
}

// add collects a key and its value, both as JSON text.
func (x *unknownKeys) add(key, value []byte) {
	sep := byte(',')
	if len(x.object) == 0 {
		sep = '{'
	}
	x.object = append(x.object, sep)
	x.object = append(x.object, key...)
	x.object = append(x.object, ':')
	x.object = append(x.object, value...)
}

// checkUnknown says whether an unknown key may be there at all.
func (b *Block) checkUnknown(key []byte, at int) error {
	if b.layout.options.UnknownKeys == RejectUnknown {
		return &FieldError{
			Field: excerptBytes(key), Offset: at,
			Err:  newValueError(ErrUnknownKey, "is not in the schema "+quoted(b.layout.schema.Name), ""),
			Hint: unknownHint(string(key), b.layout.schema.Fields),
		}
	}
	if _, added := b.unknown.seen.intern(key); !added {
		return duplicate(excerptBytes(key), at)
	}
	return nil
}

// takeUnknown reads the value of an unknown key whose text is given.
func (b *Block) takeUnknown(key []byte) error {
	value, err := b.scan.raw()
	if err != nil {
		f := asValueError(err)
		return &FieldError{Field: excerptBytes(key[1 : len(key)-1]), Offset: f.at, Err: f, Hint: f.hint}
	}
	if b.layout.collect >= 0 {
		b.unknown.add(key, value)
	}
	return nil
}

// appendCollected stores what has been collected.
func (b *Block) appendCollected() error {
	i := b.layout.collect
	name := b.layout.fields[i].name
	if !b.row.mark(i) {
		return &FieldError{
			Field: name,
			Err:   newValueError(ErrUnknownKey, "has a value of its own, so unknown keys cannot be collected into it", ""),
			Hint:  "rename the key, or collect into another field",
		}
	}
	b.unknown.object = append(b.unknown.object, '}')
	b.scan.reset(b.unknown.object)
	if err := b.columns[i].appendJSON(b.scan); err != nil {
		f := asValueError(err)
		f.at = 0
		return fieldError(b.scan, name, 0, within(f, " (collected)", 0))
	}
	return nil
}

// unknownHint suggests the field that was meant, if there is one.
func unknownHint(key string, fields []fact.Field) string {
	const enough = 2 // wrong letters
	best, distance := "", enough+1
	if len(key) <= maxValue {
		for i := range fields {
			name := fields[i].Name
			if d := editDistance(strings.ToLower(key), strings.ToLower(name)); d < distance && d < len(name) {
				best, distance = name, d
			}
		}
	}
	if best != "" {
		return "did you mean " + quoted(best) + "?"
	}
	return "add it to the schema, or choose to ignore or collect unknown keys"
}

// editDistance counts the bytes to insert, remove or replace to turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
