package clickhouse

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/block"
)

// insertHTTP sends one block as the body of a POST, in ClickHouse's Native
// format.
//
// The table goes as a parameter and the columns are named by the format
// itself, so that no unusual name has to pass through the driver, which takes
// the statement apart.
func (c *Client) insertHTTP(ctx context.Context, in Insert) (phase, error) {
	settings := chgo.Settings{
		// Another type is an error, never a conversion.
		"input_format_native_allow_types_conversion": "0",
	}
	for name, value := range in.settings() {
		settings[name] = value
	}
	ctx = chgo.Context(ctx, chgo.WithSettings(settings), chgo.WithParameters(chgo.Parameters{"factload_table": in.Table}))
	for try := 0; ; try++ {
		body := newNativeReader(in.Block)
		err := c.conn.InsertFormat(ctx, "Native", "INSERT INTO {factload_table:Identifier}", body)
		started := body.stop()
		if err == nil {
			return sent, nil
		}
		if started {
			return sent, err
		}
		// A connection that lay idle may have been cut by the other side. As
		// long as no row was sent, another one can be tried.
		if try > 0 || ctx.Err() != nil || serverCode(err) != 0 || errors.As(err, new(*dialError)) {
			return unsent, err
		}
	}
}

// nativeReader reads a block in the Native format. It encodes one column at a
// time, so that the largest column is the most memory it takes.
type nativeReader struct {
	mu      sync.Mutex
	block   *block.Block
	columns []block.ColumnInfo
	next    int // the next column to encode; -1 is the head
	buf     proto.Buffer
	rest    []byte // of buf
	started bool
	stopped bool
}

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
	for len(r.rest) == 0 {
		if r.next == len(r.columns) {
			return 0, io.EOF
		}
		r.encodeNext()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
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
	r.rest = r.buf.Buf
}
