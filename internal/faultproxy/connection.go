package faultproxy

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// connection is a client's connection and the one to the server behind it.
type connection struct {
	plan           Plan
	client, server net.Conn
	ctx            context.Context // ends with the proxy
	note           func()          // counts the fault
	once           sync.Once       // the fault is counted

	mu        sync.Mutex
	turn      int  // from 1; 0 before the client has sent anything
	asked     int  // bytes of the turn's request that were passed
	answered  int  // bytes of the turn's answer that were passed
	answering bool // the server was the last to send
	flipped   bool // a byte has been changed
}

// verdict is what becomes of some bytes.
type verdict struct {
	pass    int // how many are passed on
	cut     bool
	half    bool // this direction ends, and the other goes on
	swallow bool // the rest is not passed on, and the connection goes on
	flip    int  // the number of the byte that is changed, from 1; 0 for none
}

// pass passes both directions until the connection ends.
func (c *connection) pass() {
	var wg sync.WaitGroup
	wg.Go(func() { c.copy(c.server, c.client, c.request) })
	wg.Go(func() { c.copy(c.client, c.server, c.answer) })
	wg.Wait()
}

// copy passes one direction.
func (c *connection) copy(to, from net.Conn, judge func(n int) verdict) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			v := judge(n)
			if v.cut || v.half || v.swallow || v.flip > 0 {
				c.broken()
			}
			if v.flip > 0 {
				buf[v.flip-1] ^= 0x20
			}
			if werr := c.write(to, buf[:v.pass]); werr != nil {
				c.cut(false)
				return
			}
			if v.cut {
				c.cut(c.plan.Reset)
				return
			}
			if v.half {
				endWrites(to)
				_, _ = io.Copy(io.Discard, from) // until either side ends the connection
				c.cut(false)
				return
			}
		}
		if err != nil {
			c.cut(false)
			return
		}
	}
}

// tick is how often a slow connection passes bytes.
const tick = 20 * time.Millisecond

// write passes bytes on, slowly if that is the plan.
func (c *connection) write(to net.Conn, b []byte) error {
	if c.plan.Kind != Slow {
		_, err := to.Write(b)
		return err
	}
	c.broken()
	step := max(c.plan.Bytes*int(tick)/int(time.Second), 1)
	for len(b) > 0 {
		n := min(step, len(b))
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		timer := time.NewTimer(tick)
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
			return c.ctx.Err()
		}
	}
	return nil
}

// request judges n bytes from the client.
func (c *connection) request(n int) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn == 0 || c.answering {
		c.turn++
		c.asked, c.answered, c.answering = 0, 0, false
	}
	before := c.asked
	c.asked += n
	if c.turn < c.plan.Turn {
		return verdict{pass: n}
	}
	switch c.plan.Kind {
	case CutBeforeSend:
		return verdict{cut: true}
	case Blackhole:
		return verdict{swallow: true}
	case FlipByte:
		if c.asked > c.plan.Bytes && !c.flipped {
			c.flipped = true
			return verdict{pass: n, flip: max(c.plan.Bytes-before, 0) + 1}
		}
	case CutMidway, HalfClose:
		if c.asked > c.plan.Bytes {
			half := c.plan.Kind == HalfClose
			return verdict{pass: max(c.plan.Bytes-before, 0), cut: !half, half: half}
		}
	}
	return verdict{pass: n}
}

// answer judges n bytes from the server.
func (c *connection) answer(n int) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answering = true
	before := c.answered
	c.answered += n
	if c.turn < max(c.plan.Turn, 1) { // a server may speak first
		return verdict{pass: n}
	}
	switch c.plan.Kind {
	case CutAnswer:
		return verdict{cut: true}
	case CutMidAnswer:
		if c.answered > c.plan.Bytes {
			return verdict{pass: max(c.plan.Bytes-before, 0), cut: true}
		}
	case SwallowAnswer:
		return verdict{swallow: true}
	case Blackhole:
		return verdict{swallow: true}
	}
	return verdict{pass: n}
}

// endWrites ends one direction of a connection.
func endWrites(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // a connection that is gone has ended too
	}
}

// broken notes that the plan's fault has happened.
func (c *connection) broken() { c.once.Do(c.note) }

// cut ends both connections.
func (c *connection) cut(reset bool) {
	for _, conn := range []net.Conn{c.client, c.server} {
		if conn == nil {
			continue
		}
		if tcp, ok := conn.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0) // it only changes how the end looks
		}
		_ = conn.Close() // closing again is fine
	}
}
