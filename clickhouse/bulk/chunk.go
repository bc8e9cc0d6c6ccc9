package bulk

import "github.com/factload/factload/clickhouse/bulk/internal/input"

// chunk is a run of whole lines of one input: the unit of the ledger, and of inserting but
// for small ones; see batch. Its lines come in pieces, while the input is being read.
//
// It is made by the reader, which gives it to one worker, which gives it to
// the committer. The reader still fills it when the worker has it: what is not
// known at its beginning must not be looked at before pieces is closed.
type chunk struct {
	file *input.File
	// offset is where the chunk begins in the decompressed input, and line the
	// number of its first line, counted from 1.
	offset, line int64
	// at is where the chunk begins in the input as it is: offset and line are those of
	// placed lines if placed says that these are read.
	at     input.Place
	placed bool
	// only are the rows of the chunk that are to be loaded, of one that was loaded and is
	// tried again as retry says. Nil means all.
	only  *rejectedRows
	retry *retrial
	// columns are members of JSON objects that each row has besides its own, with a
	// comma behind. They may be empty.
	columns []byte
	// parent is the position in the chain before the chunk, and head the
	// fingerprint of its first line.
	parent token
	head   uint64
	// plainParent is parent in the chain that loads without force follow.
	plainParent token
	// again means that the ledger knows the chunk as begun, so that its rows may
	// be in their tables.
	again bool
	// parts are the parts of a divided insert that are stored for certain, by table.
	parts map[string]int
	// expectBytes and expectLines are about how much it will have, at most.
	expectBytes, expectLines int64
	// pieces are the lines. It is closed when all are there.
	pieces chan *piece

	// The rest is valid when pieces is closed.

	// length is the number of bytes, and lines the number of line ends.
	length, lines int64
	// kind says what the lines are.
	kind chunkKind
	// token is the position in the chain behind the chunk.
	token token
	// plain is token in the chain that loads without force follow.
	plain token
	// batch is the token of the batch that the chunk is in with others, and place where.
	batch string
	place int
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

// piece is a run of whole lines of a chunk: the unit of reading. Whoever has it
// owns its data; the worker gives that back to the pool.
type piece struct {
	// data are the bytes. Of an overlong or cut line they may be the beginning
	// only.
	data []byte
	// length is how many bytes of the input the piece stands for.
	length int64
	// offset is where the piece begins in the decompressed input, line the
	// number of its first line, and lines the number of its line ends.
	offset, line, lines int64
	kind                chunkKind
}

// limits are the bounds that chunks, pieces and lines are cut by.
type limits struct {
	chunkBytes, chunkLines int
	// pieceBytes is at most chunkBytes.
	pieceBytes int
	lineBytes  int
}

// bufferPool hands out the buffers of pieces and thereby bounds how many there
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
