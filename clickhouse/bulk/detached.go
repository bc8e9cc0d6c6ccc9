package bulk

import (
	"context"
	"io"
)

// detachedReader reads in a goroutine of its own, so that a Read that waits for
// a terminal or a pipe can be given up. It is for standard input only, whose
// Read nothing else can end.
//
// After stop, a Read of the underlying reader may still be waiting; the
// goroutine ends when it returns, and its bytes are lost. All other readers of
// this package end with the load.
type detachedReader struct {
	ctx   context.Context
	reads chan []byte
	free  chan []byte
	done  chan struct{}
	err   error  // valid when reads is closed
	cur   []byte // what Read has not returned yet
	last  []byte // the buffer of cur
}

const detachedBuffer = 256 << 10

func newDetachedReader(ctx context.Context, r io.Reader) *detachedReader {
	d := &detachedReader{
		ctx:   ctx,
		reads: make(chan []byte),
		free:  make(chan []byte, 2),
		done:  make(chan struct{}),
	}
	d.free <- make([]byte, detachedBuffer)
	d.free <- make([]byte, detachedBuffer)
	go d.loop(r)
	return d
}

func (d *detachedReader) loop(r io.Reader) {
	defer close(d.reads)
	for {
		var buf []byte
		select {
		case buf = <-d.free:
		case <-d.done:
			return
		}
		n, err := r.Read(buf)
		select {
		case d.reads <- buf[:n]:
		case <-d.done:
			return
		}
		if err != nil {
			d.err = err
			return
		}
	}
}

// Read returns what the underlying reader has read, or the cause of the
// context's end.
func (d *detachedReader) Read(p []byte) (int, error) {
	for len(d.cur) == 0 {
		if d.last != nil {
			d.free <- d.last[:cap(d.last)]
			d.last = nil
		}
		select {
		case b, ok := <-d.reads:
			if !ok {
				return 0, d.err
			}
			d.cur, d.last = b, b
		case <-d.ctx.Done():
			return 0, context.Cause(d.ctx)
		}
	}
	n := copy(p, d.cur)
	d.cur = d.cur[n:]
	return n, nil
}

// stop ends the goroutine, at once or when the Read that is under way returns.
func (d *detachedReader) stop() { close(d.done) }
