package insert

import (
	"io"
	"sync"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/clickhouse/block"
)

// nativeBody is a block in the Native format as the body of one request.
type nativeBody struct {
	reader     *nativeReader
	compressor *compress.Writer // nil: the bytes are not compressed

	mu      sync.Mutex // held while the block is read
	whole   bool       // all of it has been read
	stopped bool
}

// newNativeBody returns the body for a block, compressed if there is a
// compressor.
func newNativeBody(b *block.Block, compressor *compress.Writer) *nativeBody {
	body := &nativeBody{compressor: compressor}
	buf, ok := buffers.Get().(*proto.Buffer)
	if !ok {
		buf = new(proto.Buffer)
	}
	body.reader = &nativeReader{body: body, block: b, columns: b.Layout().Columns(), next: -1, buf: buf}
	return body
}

// complete reports whether the server may have all of it. Of a part of a block
// it can store nothing.
func (b *nativeBody) complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.whole
}

// stop lets nobody read the block any more. The HTTP transport may go on
// reading a body after its answer is there, when the block may be in other use
// already.
func (b *nativeBody) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	if buf := b.reader.buf; cap(buf.Buf) <= maxPooledBytes {
		buffers.Put(buf)
	}
	b.reader.buf = nil
}

// nativeReader reads a nativeBody. It encodes one column at a time, so that the
// largest column is the most memory it takes.
type nativeReader struct {
	body    *nativeBody
	block   *block.Block
	columns []block.ColumnInfo
	next    int           // the next column to encode; -1 is the head
	buf     *proto.Buffer // nil once the body is stopped
	encoded []byte        // of buf, not yet in ready
	ready   []byte        // to be read
}

// buffers holds the buffers of readers for the next ones.
var buffers = sync.Pool{New: func() any { return new(proto.Buffer) }}

// frameBytes is how many bytes are compressed at a time.
const frameBytes = 1 << 20

// maxPooledBytes is the largest buffer that is kept for the next reader.
const maxPooledBytes = 16 << 20

// Read returns the next bytes of the block.
func (r *nativeReader) Read(p []byte) (int, error) {
	r.body.mu.Lock()
	defer r.body.mu.Unlock()
	if r.body.stopped {
		return 0, io.ErrClosedPipe
	}
	for len(r.ready) == 0 {
		if r.next == len(r.columns) && len(r.encoded) == 0 {
			return 0, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	if len(r.ready)+len(r.encoded) == 0 && r.next == len(r.columns) {
		r.body.whole = true
	}
	return n, nil
}

// fill makes more bytes ready.
func (r *nativeReader) fill() error {
	if len(r.encoded) == 0 {
		r.encodeNext()
	}
	if r.body.compressor == nil {
		r.ready, r.encoded = r.encoded, nil
		return nil
	}
	n := min(len(r.encoded), frameBytes)
	if err := r.body.compressor.Compress(r.encoded[:n]); err != nil {
		return err
	}
	r.ready, r.encoded = r.body.compressor.Data, r.encoded[n:]
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
		r.block.EncodeColumn(r.next, r.buf)
	}
	r.next++
	r.encoded = r.buf.Buf
}
