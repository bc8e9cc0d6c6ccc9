package block

import "strings"

// unknownKeys are the keys of a row that no field takes.
type unknownKeys struct {
	seen   interner
	scoped []byte // scratch for a key of an object in the row
	object []byte // what is collected: an open object, or empty
	around []scope
}

// scope is an object or array of the row around the value being read.
type scope struct {
	key  []byte // JSON text
	open bool   // it has been opened in what is collected
}

func (x *unknownKeys) begin() {
	if x.seen.len() > 0 {
		x.seen.clear()
	}
	x.object, x.around = x.object[:0], x.around[:0]
}

// add collects a key and its value, both as JSON text. They are in the objects
// that they were in, and elements of arrays in an object with their numbers as
// keys: {"choices":{"1":{"text":"b"}}}.
func (x *unknownKeys) add(key, value []byte) {
	if len(x.object) == 0 {
		x.object = append(x.object, '{')
	}
	for i := range x.around {
		if s := &x.around[i]; !s.open {
			x.object = append(x.addKey(s.key), '{')
			s.open = true
		}
	}
	x.object = append(x.addKey(key), value...)
}

func (x *unknownKeys) addKey(key []byte) []byte {
	if x.object[len(x.object)-1] != '{' {
		x.object = append(x.object, ',')
	}
	return append(append(x.object, key...), ':')
}

func (x *unknownKeys) enter(key []byte) { x.around = append(x.around, scope{key: key}) }

func (x *unknownKeys) leave() {
	last := len(x.around) - 1
	if x.around[last].open {
		x.object = append(x.object, '}')
	}
	x.around = x.around[:last]
}

// checkUnknown says whether an unknown key may be there at all.
func (b *Block) checkUnknown(c *container, key []byte, at int) error {
	if b.layout.options.UnknownKeys == RejectUnknown {
		return b.refuseUnknown(c.path+excerptBytes(key), at, b.unknownHint(c, string(key)))
	}
	x, scoped := &b.unknown, key
	if c.path != "" {
		// No key has this byte, which is not UTF-8.
		x.scoped = append(append(append(x.scoped[:0], c.path...), 0xff), key...)
		scoped = x.scoped
	}
	if _, added := x.seen.intern(scoped); !added {
		return duplicate(c.path+excerptBytes(key), at)
	}
	return nil
}

func (b *Block) refuseUnknown(path string, at int, hint string) error {
	return &FieldError{
		Field: path, Offset: at,
		Err:  newValueError(ErrUnknownKey, "is not in the schema "+quoted(b.layout.schema.Name), ""),
		Hint: hint,
	}
}

// takeUnknown reads the value of an unknown key whose text is given.
func (b *Block) takeUnknown(c *container, key []byte) error {
	if b.layout.collect >= 0 {
		b.scan.words = b.layout.words[b.layout.collect]
	}
	value, err := b.scan.raw()
	b.scan.words = 0
	if err != nil {
		f := asValueError(err)
		return &FieldError{Field: c.path + excerptBytes(key[1:len(key)-1]), Offset: f.at, Err: f, Hint: f.hint}
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

// unknownHint suggests what was meant, if there is something.
func (b *Block) unknownHint(c *container, key string) string {
	const enough = 2 // wrong letters
	for i := range b.layout.fields {
		if f := &b.layout.fields[i]; f.name == key {
			return "the schema takes field " + quoted(key) + " from " + excerpt(b.layout.places[i].path)
		}
	}
	best, distance := "", enough+1
	if len(key) <= maxValue {
		for _, name := range c.names {
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
