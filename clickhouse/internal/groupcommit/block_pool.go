package groupcommit

import (
	"sync"

	"github.com/factload/factload/clickhouse/block"
)

// blockPool keeps empty blocks of one layout for later. Small and large ones
// are kept apart, so that calls of single facts do not sit on the memory of
// large ones.
type blockPool struct {
	layout       *block.Layout
	small, large sync.Pool
}

const (
	// maxSmallBytes is the most that a small block has ever held.
	maxSmallBytes = 64 << 10
	// maxKeptBytes is the most that a block may have held to be kept. Larger
	// ones are left to the garbage collector, so that one big call does not
	// keep its memory for good.
	maxKeptBytes = 16 << 20
)

// take returns an empty block for the caller alone, which means to put about
// so many rows into it.
func (p *blockPool) take(rows int) *block.Block {
	from := &p.small
	if rows >= handOverRows {
		from = &p.large
	}
	if b, ok := from.Get().(*block.Block); ok {
		return b
	}
	return p.layout.NewBlock()
}

// give takes a block back that nobody uses any more, with the number of rows it
// was taken for. Nil is nothing.
func (p *blockPool) give(b *block.Block, rows int) {
	if b == nil {
		return
	}
	bytes := b.Bytes()
	b.Reset()
	switch {
	case rows < handOverRows && bytes <= maxSmallBytes:
		p.small.Put(b)
	case bytes <= maxKeptBytes:
		p.large.Put(b)
	}
}
