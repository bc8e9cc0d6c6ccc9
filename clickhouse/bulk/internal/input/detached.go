package input

import (
	"context"
	"io"
)

// detachedReader opens and reads in a goroutine of its own, so that an open or a
// Read that waits can be given up. It is for standard input and for inputs that
// are no regular files: terminals, pipes and what else may have nothing to say
// for as long as it likes.
//
// When the context ends or stop is called, the input is closed, which ends a
// Read of a pipe. What closing does not end, the open of a pipe that nobody
// writes to or a Read of a terminal, may go on waiting; the goroutine ends when
// it returns, and its bytes are lost. All other readers of this package end with
// the load.
type detachedReader struct {
	ctx   context.Context
	stop  context.CancelFunc // ends the goroutine
	reads chan []byte
	free  chan []byte
	err   error  // valid when reads is closed
	cur   []byte // what Read has not returned yet
	last  []byte // the buffer of cur
}

const detachedBuffer = 256 << 10

// newDetachedReader reads from what open returns, and closes that at the end.
func newDetachedReader(ctx context.Context, open func() (io.ReadCloser, error)) *detachedReader {
	ctx, stop := context.WithCancel(ctx)
	d := &detachedReader{
		ctx:   ctx,
		stop:  stop,
		reads: make(chan []byte),
		free:  make(chan []byte, 2),
	}
	d.free <- make([]byte, detachedBuffer)
	d.free <- make([]byte, detachedBuffer)
	go d.loop(open)
	return d
}

func (d *detachedReader) loop(open func() (io.ReadCloser, error)) {
	defer close(d.reads)
	r, err := open()
	if err != nil {
		d.err = err
		return
	}
	closing := context.AfterFunc(d.ctx, func() { _ = r.Close() })
	defer func() {
		if closing() {
			_ = r.Close()
		}
	}()
	for {
		var buf []byte
		select {
		case buf = <-d.free:
		case <-d.ctx.Done():
			return
		}
		n, err := r.Read(buf)
		select {
		case d.reads <- buf[:n]:
		case <-d.ctx.Done():
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
		if d.ctx.Err() != nil {
			return 0, context.Cause(d.ctx)
		}
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
