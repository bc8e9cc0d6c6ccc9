package block

import (
	"hash"

	"github.com/ClickHouse/ch-go/proto"
)

// digester collects the content of a block for a hash.
type digester struct {
	hash hash.Hash
	proto.Buffer
}

// digestChunk is how much a digester collects before it hashes.
const digestChunk = 64 << 10

// flush hashes what has been put into the buffer.
func (d *digester) flush() {
	d.hash.Write(d.Buf)
	d.Reset()
}

// room hashes the buffer if it has grown large.
func (d *digester) room() {
	if len(d.Buf) >= digestChunk {
		d.flush()
	}
}

// raw hashes b without copying it.
func (d *digester) raw(b []byte) {
	d.flush()
	d.hash.Write(b)
}

// WriteDigest writes the content of the block to h in a canonical form. Blocks
// with the same columns and the same rows in the same order write the same
// bytes, however their rows came in.
func (b *Block) WriteDigest(h hash.Hash) {
	d := digester{hash: h, Buffer: b.scratch}
	d.PutInt(b.rows)
	for i := range b.layout.fields {
		d.PutString(b.layout.fields[i].name)
		d.PutString(b.layout.fields[i].typ)
	}
	for _, c := range b.columns {
		c.digest(&d)
		d.flush()
	}
	d.flush()
	b.scratch = d.Buffer
}
