package block

// complete ends a row whose keys have all been read: it fills the ID field,
// the collected keys and the fields that have no value.
func (b *Block) complete(id string) error {
	if b.layout.factID >= 0 {
		if err := b.completeID(id); err != nil {
			return err
		}
	}
	if len(b.unknown.object) > 0 {
		if err := b.appendCollected(); err != nil {
			return err
		}
	}
	if b.row.left == 0 {
		return nil
	}
	for i := b.row.unseen(0); i >= 0; i = b.row.unseen(i + 1) {
		if err := b.appendAbsent(i); err != nil {
			return err
		}
	}
	return nil
}

// appendAbsent appends what is stored for field i where it is missing.
func (b *Block) appendAbsent(i int) error {
	f := &b.layout.fields[i]
	switch {
	case f.required:
		return &FieldError{
			Field: f.name,
			Err:   newValueError(ErrMissing, "is missing", ""),
			Hint:  b.requiredHint(i),
		}
	case f.absent == nil:
		b.columns[i].appendZero()
	default:
		b.columns[i].appendRows(f.absent, 0, 1)
	}
	return nil
}

func (b *Block) requiredHint(i int) string {
	hint := "it is in order_by and has no default"
	if p := b.layout.places[i]; p.path != b.layout.fields[i].name {
		hint += "; it is taken from " + excerpt(p.path)
	}
	return hint
}

// idColumn is a column that can carry the fact ID.
type idColumn interface {
	addID(id string) error
	// lastIs reports whether the last value is the given ID. No UUID is "".
	lastIs(id string) bool
	// appendID appends the text of an ID to buf.
	appendID(buf []byte, row int) []byte
}

var (
	_ idColumn = (*stringColumn)(nil)
	_ idColumn = (*uuidColumn)(nil)
)

// completeID fills the field that carries the fact ID, or checks what is there.
func (b *Block) completeID(id string) error {
	i := b.layout.factID
	name := b.layout.fields[i].name
	c, ok := b.columns[i].(idColumn)
	if !ok {
		panic("block: a fact ID is a string or a UUID") // Schema.Validate says so
	}
	if !b.row.has(i) {
		if id == "" {
			return &FieldError{
				Field: name,
				Err:   newValueError(ErrMissing, "is missing", ""),
				Hint:  "it carries the fact ID, which every row needs",
			}
		}
		b.row.mark(i)
		if err := c.addID(id); err != nil {
			f := asValueError(err)
			return &FieldError{Field: name, Value: quoted(id), Err: f, Hint: f.hint}
		}
		return nil
	}
	switch {
	case c.lastIs(""):
		return &FieldError{
			Field: name,
			Err:   newValueError(ErrMissing, "is empty", ""),
			Hint:  "it carries the fact ID, which every row needs",
		}
	case id != "" && !c.lastIs(id):
		return &FieldError{
			Field: name,
			Err:   newValueError(ErrID, "differs from the fact's ID "+quoted(id), ""),
			Hint:  "give the ID in one place only",
		}
	}
	return nil
}
