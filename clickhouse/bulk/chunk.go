package bulk

import "slices"

// chunk is a run of whole lines of one input: the unit of decoding, of
// inserting and of the ledger.
//
// It is made by the reader, which gives it to one worker, which gives it to
// the committer. Whoever has it owns data; the last one gives data back to the
// pool.
type chunk struct {
	file *inputFile
	// seq numbers the chunks of a load from 0, in the order of the input.
	seq int64

	// offset and length are the chunk's bytes in the decompressed input.
	offset, length int64
	// line is the number of the first line, counted from 1; lines is the
	// number of line ends.
	line, lines int64
	// data are the bytes. For an overlong line they are its beginning.
	data []byte
	// kind says what data is.
	kind chunkKind

	// parent and token are the positions in the chain before and after.
	parent, token token
	// head is the fingerprint of the first line.
	head uint64
	// started is closed when the ledger has the intent to load the chunk. It
	// is nil for chunks that do not go to the ledger.
	started chan struct{}
	// record is the load's own memory of the chunk. It is nil for cut lines.
	record *record
}

// chunkKind is what a chunk consists of.
type chunkKind uint8

const (
	// wholeLines are any number of lines.
	wholeLines chunkKind = iota
	// overlongLine is a single line longer than the limit. It becomes a reject.
	overlongLine
	// cutLine is what follows the last line end of an input and is no complete
	// JSON value. It becomes a reject too, but is not remembered as loaded: the
	// line may be completed later.
	cutLine
)

// limits are the bounds that chunks and lines are cut by.
type limits struct {
	chunkBytes int
	chunkLines int
	lineBytes  int
}

// bufferPool hands out the buffers of chunks and thereby bounds how many there
// are. It is safe for concurrent use.
type bufferPool struct {
	free    chan []byte
	maxKeep int
}

// newBufferPool returns a pool of n buffers, which are empty at first and keep
// up to maxKeep bytes each when they are given back.
func newBufferPool(n, maxKeep int) *bufferPool {
	p := &bufferPool{free: make(chan []byte, n), maxKeep: maxKeep}
	for range n {
		p.free <- nil
	}
	return p
}

// get waits for a buffer. It returns false when stop is closed first.
func (p *bufferPool) get(stop <-chan struct{}) ([]byte, bool) {
	select {
	case b := <-p.free:
		return b[:0], true
	case <-stop:
		return nil, false
	}
}

// put takes back a buffer that get returned, or one that replaced it.
func (p *bufferPool) put(b []byte) {
	if cap(b) > p.maxKeep {
		b = nil
	}
	p.free <- b
}

// release gives the chunk's data back to the pool. Nothing may use it after.
// Releasing again does nothing.
func (c *chunk) release(p *bufferPool) {
	if c.data != nil {
		p.put(c.data[:0])
		c.data = nil
	}
}

// appendRest copies the part of a buffer that belongs to the next chunk.
func appendRest(carry, rest []byte) []byte {
	return append(slices.Grow(carry[:0], len(rest)), rest...)
}
