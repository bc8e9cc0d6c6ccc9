package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
)

// Writer owns the inserts into one table. Callers add their rows to the batch
// at the end of its queue; its goroutine, which lives while there are batches,
// sends them one after the other, at the pacer's pace. See docs/recording.md.
type Writer struct {
	Config
	pool    blockPool
	room    *Room
	repeat  retry.Repeater
	metrics *tableMetrics

	mu      sync.Mutex
	queue   []*Batch // not yet sent, oldest first
	flight  *Batch   // being sent
	running bool     // there is a goroutine
	pacer   pacer
	wakeAt  time.Time     // what the goroutine waits for
	nudge   chan struct{} // tells it to look again
	doubts  unconfirmed
	counted time.Time // when the parts were last counted
}

// Config says what a [Writer] writes to and how. All fields are required but
// for GaveUp.
type Config struct {
	Table   string
	Layout  *block.Layout // of the rows
	FactIDs bool          // the schema has a field that carries the fact ID
	Sink    Sink

	MaxRows, MaxBytes int           // of a batch that takes no more
	MaxPendingBytes   int           // of the calls that have not been answered
	Pace              time.Duration // between small inserts; not positive: none
	Eager             bool          // no interval as long as the table has few parts, unless Buffered
	RetryBudget       time.Duration // not positive: nothing is repeated
	Buffered          bool          // callers do not wait for answers, and there is no budget

	// GaveUp is told of the rows of a buffered call that are not stored, before
	// Flush hears of it. The table's next insert waits for it.
	GaveUp func(ids []string, err error)

	Inserts    context.Context // ends the inserts
	Looks      context.Context // ends the counting of parts
	Goroutines *sync.WaitGroup // has those of the writer
	Metrics    *Metrics
	Log        *slog.Logger
}

// New returns a Writer. It has no goroutine as long as there is nothing to send.
func New(cfg Config) *Writer {
	w := &Writer{
		Config:  cfg,
		pool:    blockPool{layout: cfg.Layout},
		repeat:  retry.Repeater{Budget: cfg.RetryBudget, Forever: cfg.Buffered},
		metrics: cfg.Metrics.of(cfg.Table),
		room:    NewRoom(cfg.MaxPendingBytes),
		pacer:   pacer{base: max(cfg.Pace, 0), eager: cfg.Eager && !cfg.Buffered},
		nudge:   make(chan struct{}, 1),
	}
	w.repeat.Retried = w.tryAgain
	return w
}

// TakeBlock returns an empty block for the caller alone, which means to put
// about so many rows into it.
func (w *Writer) TakeBlock(rows int) *block.Block { return w.pool.take(rows) }

// GiveBlock takes a block back that nobody uses any more. Nil is nothing.
func (w *Writer) GiveBlock(b *block.Block) {
	if b != nil {
		w.pool.give(b, b.Rows())
	}
}

// Sink is what a Writer writes to: a table of the server.
type Sink interface {
	// Insert sends the rows once. With the same rows and token it may be called
	// again, and the rows are stored once. It is told when that may be so.
	Insert(ctx context.Context, rows *block.Block, token string, again bool) error
	// Settle returns when no insert is running that began before the call.
	Settle(ctx context.Context) error
	// Adopt brings those of the rows that a target of the table's materialized views has
	// to the table, if they are not there.
	Adopt(ctx context.Context, rows *block.Block) error
	// Stored returns those of the fact IDs that the table has.
	Stored(ctx context.Context, ids []string) (map[string]bool, error)
	// Complete brings those of the rows that the table has to the targets of its
	// materialized views, if they are not there.
	Complete(ctx context.Context, rows *block.Block) error
	// Parts returns the number of active parts of the fullest partition.
	Parts(ctx context.Context) (int, error)
}

// Room is where the calls that write to the table alone enter before they encode
// their rows.
func (w *Writer) Room() *Room { return w.room }

// callBytes is about what a call takes besides its rows.
const callBytes = 256

// CallBytes returns what a call with these rows takes of the room.
func CallBytes(rows *block.Block) int { return rows.Bytes() + callBytes }

// Write adds the rows of a part to the table and waits until they are stored,
// or, when writing is buffered, accepted. A careful write only stores rows
// whose fact IDs the table does not have, and returns how many those were.
//
// When ctx ends before the rows' batch has been sent, they are withdrawn and
// will not be stored; afterwards the outcome is unknown and the batch goes on.
func (w *Writer) Write(ctx context.Context, p *Part, careful bool) (stored int, err error) {
	rows := p.Block.Rows()
	ctx, span := w.metrics.callBegins(ctx, rows)
	defer func() {
		if err != nil {
			w.metrics.callFailed(ctx, rows, err)
		}
		endSpan(span, err)
	}()
	b, c, err := w.join(ctx, p, careful)
	w.GiveBlock(p.Block) // its rows have been copied
	p.Block = nil
	if err != nil || !c.awaited {
		return 0, err
	}
	if err := w.wait(ctx, b, c); err != nil {
		return 0, err
	}
	return c.stored, nil
}

// join adds the rows to the last batch of the queue. What they take of the room is
// the writer's to release from now on.
func (w *Writer) join(ctx context.Context, p *Part, careful bool) (*Batch, *call, error) {
	c := &call{
		token: p.Token, ids: p.IDs, bytes: CallBytes(p.Block), joined: time.Now(),
		awaited: careful || !w.Buffered, span: trace.SpanContextFromContext(ctx),
	}
	w.room.Take(c.bytes - p.Taken)
	p.Taken = 0
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ended := range []context.Context{w.Inserts, ctx} {
		if ended.Err() != nil {
			w.room.Release(c.bytes)
			return nil, nil, w.notSent(ctx, context.Cause(ended))
		}
	}
	careful = careful || w.inDoubt(p.Block)
	b := w.openBatch(p.Block.Rows(), careful)
	if err := b.add(p, c, &w.pool); err != nil {
		w.room.Release(c.bytes)
		return nil, nil, err
	}
	b.sealed = b.rows.Rows() >= w.MaxRows || b.bytes >= w.MaxBytes
	w.wake()
	return b, c, nil
}

// openBatch returns the batch that takes the next rows.
func (w *Writer) openBatch(rows int, careful bool) *Batch {
	if n := len(w.queue); n > 0 {
		b := w.queue[n-1]
		if !b.sealed && b.careful == careful && b.live()+rows <= w.MaxRows {
			return b
		}
		b.sealed = true
	}
	b := newBatch(careful)
	w.queue = append(w.queue, b)
	return b
}

// inDoubt reports whether the table may have some of the rows already.
func (w *Writer) inDoubt(rows *block.Block) bool {
	if !w.FactIDs || w.doubts.empty() {
		return false
	}
	var id []byte
	for i := range rows.Rows() {
		if id = rows.AppendFactID(id[:0], i); w.doubts.has(id) {
			return true
		}
	}
	return false
}

// doubt remembers rows whose callers do not know whether they are stored.
func (w *Writer) doubt(rows *block.Block, from, to int) {
	if !w.FactIDs {
		return
	}
	var id []byte
	for i := from; i < to; i++ {
		id = rows.AppendFactID(id[:0], i)
		w.doubts.add(id)
	}
}

// DoubtIDs remembers facts that may be given again, in a call of their own,
// although the table has them.
func (w *Writer) DoubtIDs(ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		w.doubts.add([]byte(id))
	}
}

// wait waits for the result of a call.
func (w *Writer) wait(ctx context.Context, b *Batch, c *call) error {
	select {
	case <-b.answered:
		return c.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-b.answered: // at the same moment
		return c.err
	default:
	}
	if b == w.flight {
		w.doubt(b.rows, c.from, c.to)
		return w.left(ctx)
	}
	w.withdraw(b, c)
	return w.notSent(ctx, context.Cause(ctx))
}

// withdraw takes a call out of a batch of the queue. The caller holds the
// lock.
func (w *Writer) withdraw(b *Batch, c *call) {
	b.withdraw(c)
	w.room.Release(c.bytes)
	if b.gone > b.live() {
		b.compact(&w.pool)
	}
	w.wake() // when nothing is left
}

// Seal makes all batches go without delay and returns them, with the one in
// flight.
func (w *Writer) Seal() []*Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*Batch
	if w.flight != nil {
		all = append(all, w.flight)
	}
	for _, b := range w.queue {
		b.sealed = true
		all = append(all, b)
	}
	if len(w.queue) > 0 {
		w.wake()
	}
	return all
}

func (w *Writer) notSent(ctx context.Context, cause error) error { return NotSent(ctx, w.op(), cause) }

// NotSent is the error for rows that op has not sent and will not send. The cause
// may be the end of ctx, or that of the inserts.
func NotSent(ctx context.Context, op string, cause error) error {
	e := &chconn.Error{Op: op, Text: "the rows were not sent: " + cause.Error(), Cause: cause}
	if errors.Is(cause, chconn.ErrClosed) {
		e.Class = chconn.ErrClosed
	} else if ctx.Err() != nil {
		e.Cause = chconn.EndOf(ctx, cause)
	}
	return e
}

// left is the error for a caller that stops waiting for rows that have been
// sent.
func (w *Writer) left(ctx context.Context) error {
	cause := context.Cause(ctx)
	return &chconn.Error{
		Op: w.op(), Class: chconn.ErrAmbiguous, Cause: chconn.EndOf(ctx, cause),
		Text: "no answer yet, and the insert goes on: " + cause.Error(),
	}
}

func (w *Writer) op() string { return fmt.Sprintf("insert into %q", w.Table) }

// tryAgain notes that something failed for the moment.
func (w *Writer) tryAgain(ctx context.Context, tries int, err error) {
	w.metrics.retried(ctx, err)
	level := slog.LevelDebug
	if tries == 1 {
		level = slog.LevelWarn // the others say the same
	}
	w.Log.Log(ctx, level, "trying again", "table", w.Table, "tries", tries, "error", chconn.ForLog(err))
}
