package clickhouse

import (
	"io"
	"sync"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/clickhouse/block"
)

// nativeReader reads a block in the Native format. It encodes one column at a
// time, so that the largest column is the most memory it takes.
type nativeReader struct {
	compressor *compress.Writer // nil: the bytes are not compressed

	mu      sync.Mutex
	block   *block.Block
	columns []block.ColumnInfo
	next    int // the next column to encode; -1 is the head
	buf     proto.Buffer
	encoded []byte // of buf, not yet in ready
	ready   []byte // to be read
	started bool
	stopped bool
	err     error // why the block cannot be read
}

// frameBytes is how many bytes are compressed at a time.
const frameBytes = 1 << 20

func newNativeReader(b *block.Block) *nativeReader {
	return &nativeReader{block: b, columns: b.Layout().Columns(), next: -1}
}

// Read returns the next bytes of the block.
func (r *nativeReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
	if r.stopped {
		return 0, io.ErrClosedPipe
	}
	for len(r.ready) == 0 {
		if r.next == len(r.columns) && len(r.encoded) == 0 {
			return 0, io.EOF
		}
		if r.err = r.fill(); r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// stop lets nobody read the block any more, and reports whether anybody had
// begun. The HTTP transport may go on reading a body after its answer is there,
// when the block may be in other use already.
func (r *nativeReader) stop() (started bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	return r.started
}

// fill makes more bytes ready.
func (r *nativeReader) fill() error {
	if len(r.encoded) == 0 {
		r.encodeNext()
	}
	if r.compressor == nil {
		r.ready, r.encoded = r.encoded, nil
		return nil
	}
	n := min(len(r.encoded), frameBytes)
	if err := r.compressor.Compress(r.encoded[:n]); err != nil {
		return err
	}
	r.ready, r.encoded = r.compressor.Data, r.encoded[n:]
	return nil
}

// encodeNext encodes the head or the next column.
func (r *nativeReader) encodeNext() {
	r.buf.Reset()
	if r.next < 0 {
		r.buf.PutUVarInt(uint64(len(r.columns)))
		r.buf.PutUVarInt(uint64(r.block.Rows())) //nolint:gosec // a count
	} else {
		r.buf.PutString(r.columns[r.next].Name)
		r.buf.PutString(r.columns[r.next].Type)
		r.block.EncodeColumn(r.next, &r.buf)
	}
	r.next++
	r.encoded = r.buf.Buf
}
