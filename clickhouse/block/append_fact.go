package block

import (
	"encoding/json"
	"errors"

	"github.com/factload/factload/fact"
)

// maxKeptFact is the largest scratch space that a block keeps for facts, in bytes.
const maxKeptFact = 1 << 20

// Append appends one row from a fact. Its JSON is what counts: the Value, if that
// is a json.RawMessage, which is how Record gives facts to a materializer, or else
// what [fact.Encoder] makes of Data or Value. So a fact and a replay of its log
// event give the same row; see docs/values.md. Nothing of the fact is kept.
//
// The ID fills the field that carries the fact ID, if the schema has one; when
// the fact has that field too, both must be equal. An empty ID means none.
//
// On error the block is as before. It is a *fact.FactError for a value that has no
// JSON and for a struct type that does not go with the schema, and a *FieldError,
// without an Offset, for all else.
func (b *Block) Append(f *fact.Fact) error {
	text, given := f.Value.(json.RawMessage)
	if !given || f.Data != nil {
		var err error
		if b.encoded, err = b.layout.encoder.Append(b.encoded[:0], *f); err != nil {
			return err
		}
		text = b.encoded
	}
	err := b.AppendJSONFact(f.ID, text)
	if cap(b.encoded) > maxKeptFact {
		b.encoded = nil
	}
	if err != nil {
		withoutOffset(err)
	}
	return err
}

// withoutOffset takes away the place in a text that the caller has never seen.
func withoutOffset(err error) {
	if refused := (*FieldError)(nil); errors.As(err, &refused) {
		refused.Offset = noOffset
	}
}

// AppendFact is Append for values in a map.
func (b *Block) AppendFact(id string, data map[string]any) error {
	return b.Append(&fact.Fact{ID: id, Data: data})
}
