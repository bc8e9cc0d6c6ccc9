package clickhouse

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

// tableWriter owns the inserts into one table. Callers add their rows to the
// batch at the end of its queue; its goroutine, which lives while there are
// batches, sends them one after the other, at the pacer's pace. See
// docs/recording.md.
type tableWriter struct {
	table   string
	factIDs bool // the schema has a field that carries the fact ID
	sink    sink
	limits  writerLimits
	ctx     context.Context // ends the inserts
	looks   context.Context // ends the counting of parts
	loops   *sync.WaitGroup // of the goroutines of all writers
	pool    *blockPool
	retry.Repeater
	observer  *tableObserver
	onFailure func(Failure) // told of buffered rows that are given up; may be nil
	log       *slog.Logger

	mu      sync.Mutex
	queue   []*batch // not yet sent, oldest first
	flight  *batch   // being sent
	room    room
	running bool // there is a goroutine
	pacer   pacer
	wakeAt  time.Time     // what the goroutine waits for
	nudge   chan struct{} // tells it to look again
	doubts  doubts
	counted time.Time // when the parts were last counted
}

// writerLimits are what bounds the batches.
type writerLimits struct {
	rows     int  // of a batch that takes no more
	bytes    int  // the same
	buffered bool // callers do not wait for answers
}

// sink is what a tableWriter writes to: a table of the server.
type sink interface {
	// insert sends the rows once. With the same rows and token it may be called
	// again, and the rows are stored once. It is told when that may be so.
	insert(ctx context.Context, rows *block.Block, token string, again bool) error
	// settle returns when no insert is running that began before the call.
	settle(ctx context.Context) error
	// stored returns those of the fact IDs that the table has.
	stored(ctx context.Context, ids []string) (map[string]bool, error)
	// parts returns the number of active parts of the fullest partition.
	parts(ctx context.Context) (int, error)
}

// callBytes is about what a call takes besides its rows.
const callBytes = 256

// write adds the rows of a part to the table and waits until they are stored,
// or, when writing is buffered, accepted. A careful write only stores rows
// whose fact IDs the table does not have, and returns how many those were.
//
// When ctx ends before the rows' batch has been sent, they are withdrawn and
// will not be stored; afterwards the outcome is unknown and the batch goes on.
func (w *tableWriter) write(ctx context.Context, p *part, careful bool) (stored int, err error) {
	rows := p.block.Rows()
	ctx, span := w.observer.callBegins(ctx, rows)
	defer func() {
		if err != nil {
			w.observer.callFailed(ctx, rows, err)
		}
		endSpan(span, err)
	}()
	b, c, err := w.join(ctx, p, careful)
	if err != nil || !c.awaited {
		return 0, err
	}
	if err := w.wait(ctx, b, c); err != nil {
		return 0, err
	}
	return c.stored, nil
}

// join waits for room and adds the rows to the last batch of the queue.
func (w *tableWriter) join(ctx context.Context, p *part, careful bool) (*batch, *call, error) {
	c := &call{
		token: p.token, ids: p.keptIDs, bytes: p.block.Bytes() + callBytes, joined: time.Now(),
		awaited: careful || !w.limits.buffered, span: trace.SpanContextFromContext(ctx),
	}
	if err := w.reserve(ctx, c.bytes); err != nil {
		return nil, nil, w.notSent(ctx, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		w.room.release(c.bytes)
		return nil, nil, w.notSent(ctx, context.Cause(w.ctx))
	}
	careful = careful || w.inDoubt(p.block)
	b := w.openBatch(p.block.Rows(), careful)
	if err := b.add(p, c, w.pool); err != nil {
		w.room.release(c.bytes)
		return nil, nil, err
	}
	b.sealed = b.rows.Rows() >= w.limits.rows || b.bytes >= w.limits.bytes
	w.wake()
	return b, c, nil
}

// openBatch returns the batch that takes the next rows.
func (w *tableWriter) openBatch(rows int, careful bool) *batch {
	if n := len(w.queue); n > 0 {
		b := w.queue[n-1]
		if !b.sealed && b.careful == careful && b.live()+rows <= w.limits.rows {
			return b
		}
		b.sealed = true
	}
	b := newBatch(careful)
	w.queue = append(w.queue, b)
	return b
}

// inDoubt reports whether the table may have some of the rows already.
func (w *tableWriter) inDoubt(rows *block.Block) bool {
	if !w.factIDs || w.doubts.empty() {
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
func (w *tableWriter) doubt(rows *block.Block, from, to int) {
	if !w.factIDs {
		return
	}
	var id []byte
	for i := from; i < to; i++ {
		id = rows.AppendFactID(id[:0], i)
		w.doubts.add(id)
	}
}

// doubtIDs remembers facts that may be given again, in a call of their own,
// although the table has them.
func (w *tableWriter) doubtIDs(ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		w.doubts.add([]byte(id))
	}
}

// wait waits for the result of a call.
func (w *tableWriter) wait(ctx context.Context, b *batch, c *call) error {
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
func (w *tableWriter) withdraw(b *batch, c *call) {
	b.withdraw(c)
	w.room.release(c.bytes)
	if b.gone > b.live() {
		b.compact(w.pool)
	}
	w.wake() // for what has waited for room, or when nothing is left
}

// seal makes all batches go without delay and returns them, with the one in
// flight.
func (w *tableWriter) seal() []*batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*batch
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

// notSent is the error for rows that have not been sent and will not be.
func (w *tableWriter) notSent(ctx context.Context, cause error) error {
	e := &chconn.Error{Op: w.op(), Text: "the rows were not sent: " + cause.Error(), Cause: cause}
	if errors.Is(cause, chconn.ErrClosed) {
		e.Class = chconn.ErrClosed
	} else if ctx.Err() != nil {
		e.Cause = chconn.EndOf(ctx, cause)
	}
	return e
}

// left is the error for a caller that stops waiting for rows that have been
// sent.
func (w *tableWriter) left(ctx context.Context) error {
	cause := context.Cause(ctx)
	return &chconn.Error{
		Op: w.op(), Class: chconn.ErrAmbiguous, Cause: chconn.EndOf(ctx, cause),
		Text: "no answer yet, and the insert goes on: " + cause.Error(),
	}
}

func (w *tableWriter) op() string { return fmt.Sprintf("insert into %q", w.table) }

// tryAgain notes that something failed for the moment.
func (w *tableWriter) tryAgain(ctx context.Context, tries int, err error) {
	w.observer.retried(ctx, err)
	level := slog.LevelDebug
	if tries == 1 {
		level = slog.LevelWarn // the others say the same
	}
	w.log.Log(ctx, level, "trying again", "table", w.table, "tries", tries, "error", err)
}
