package groupcommit

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/factload/factload/clickhouse/block"
)

// Batch is the rows of one or several calls that go to the server in one
// insert. Its writer's lock guards it until it is taken from the queue. From
// then on it belongs to the writer's goroutine, which changes no row of it.
type Batch struct {
	rows    *block.Block
	calls   []*call // in the order of their rows
	bytes   int     // of the calls
	gone    int     // rows whose calls have been withdrawn
	careful bool    // only rows that the table does not have are to be stored
	sealed  bool    // it takes no further rows and waits for nothing
	since   time.Time

	answered chan struct{} // closed when the calls have their results
}

// call is the rows of one table that one caller has given.
type call struct {
	token    string
	ids      []string // of its facts, when failures are reported by ID
	awaited  bool     // its caller waits for the result
	from, to int      // its rows in the batch
	bytes    int
	joined   time.Time
	span     trace.SpanContext // of the caller

	// The result: valid once the batch is answered.
	stored int // rows that a careful batch has added
	err    error
}

func newBatch(careful bool) *Batch {
	return &Batch{careful: careful, since: time.Now(), answered: make(chan struct{})}
}

// handOverRows is how many rows a call must have for its block to become the
// batch's, without a copy, when it is the first.
const handOverRows = 256

// Part is the rows of one call for the table. Its block is the writer's from Write
// on.
type Part struct {
	Block *block.Block
	Token string   // the deduplication token of the rows
	IDs   []string // of the facts, if failures are reported by them
	Taken int      // what has been taken of the writer's room; 0 once that is the writer's to release
}

// add appends the rows of a part. It takes the part's block when that saves
// copying much.
func (b *Batch) add(p *Part, c *call, pool *blockPool) error {
	switch {
	case b.rows == nil && p.Block.Rows() >= handOverRows:
		b.rows, p.Block = p.Block, nil
	case b.rows == nil:
		b.rows = pool.take(handOverRows)
		fallthrough
	default:
		c.from = b.rows.Rows()
		if err := b.rows.AppendRows(p.Block, 0, p.Block.Rows()); err != nil {
			return err
		}
	}
	c.to = b.rows.Rows()
	b.calls = append(b.calls, c)
	b.bytes += c.bytes
	return nil
}

// live returns the number of rows whose calls have not been withdrawn.
func (b *Batch) live() int {
	if b.rows == nil {
		return 0
	}
	return b.rows.Rows() - b.gone
}

// withdraw takes a call out. Its rows stay until compact.
func (b *Batch) withdraw(c *call) {
	i := slices.Index(b.calls, c)
	b.calls = slices.Delete(b.calls, i, i+1)
	b.bytes -= c.bytes
	b.gone += c.to - c.from
}

// compact removes the rows of calls that have been withdrawn.
func (b *Batch) compact(pool *blockPool) {
	if b.gone == 0 {
		return
	}
	b.gone = 0
	old := b.rows
	b.rows = pool.take(handOverRows)
	for _, c := range b.calls {
		from := b.rows.Rows()
		mustAppend(b.rows, old, c.from, c.to)
		c.from, c.to = from, b.rows.Rows()
	}
	pool.give(old, handOverRows)
}

// Answered is closed when the calls have their results.
func (b *Batch) Answered() <-chan struct{} { return b.answered }

// Err returns the first error of the calls, once they are answered.
func (b *Batch) Err() error {
	for _, c := range b.calls {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// pick returns a block with the rows of some of the calls.
func (b *Batch) pick(calls []*call, pool *blockPool) *block.Block {
	picked := pool.take(handOverRows)
	for _, c := range calls {
		mustAppend(picked, b.rows, c.from, c.to)
	}
	return picked
}

// mustAppend appends rows of a block of the same layout.
func mustAppend(to, src *block.Block, from, end int) {
	if err := to.AppendRows(src, from, end); err != nil {
		panic("clickhouse: " + err.Error()) // all blocks of a table have one layout
	}
}
