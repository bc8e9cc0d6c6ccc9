package chconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// minHostTimeout is the least time that one of several hosts gets to answer.
const minHostTimeout = time.Second

// dialer opens connections to the hosts of a DSN.
type dialer struct {
	hosts    []string
	strategy chgo.ConnOpenStrategy
	timeout  time.Duration // for all hosts together
	native   bool
	tls      *tls.Config // nil: plain, or the HTTP transport does it

	mu   sync.Mutex
	down map[string]time.Time // when a host could last not be reached, of those that could not
}

// downTime is how long a host that could not be reached is tried after the others. So one
// that swallows packets does not hold up every new connection.
const downTime = 10 * time.Second

// each tries the hosts in the order of the strategy, those that are down last, until open succeeds. The
// time is shared among the hosts, so that one that swallows packets does not
// keep the next from being tried.
func (d *dialer) each(ctx context.Context, connID int, open func(ctx context.Context, addr string) error) error {
	asked := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, d.timedOut(d.timeout))
	defer cancel()
	var failures []error
	for i, addr := range d.order(connID) {
		err := d.one(ctx, len(d.hosts)-i, addr, open)
		if asked.Err() == nil { // or else it is not the host's doing
			d.note(addr, err == nil || ServerCode(err) != 0)
		}
		if err == nil {
			return nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(failures) == 1 {
		return failures[0]
	}
	return &hostsError{failures: failures}
}

func (d *dialer) one(ctx context.Context, hostsLeft int, addr string, open func(ctx context.Context, addr string) error) error {
	if deadline, ok := ctx.Deadline(); ok && hostsLeft > 1 {
		share := max(time.Until(deadline)/time.Duration(hostsLeft), minHostTimeout)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, share, d.timedOut(share))
		defer cancel()
	}
	if d.native && d.tls == nil {
		var stop func()
		ctx, stop = watchForHTTP(ctx, addr)
		defer stop()
	}
	err := open(ctx, addr)
	if err == nil || ServerCode(err) != 0 {
		return err
	}
	if cause := SettledCause(ctx, err); cause != nil {
		err = cause // whatever broke is its doing
	}
	if errors.As(err, new(*dialError)) {
		return err
	}
	return &dialError{addr: addr, err: err}
}

// SettledCause returns the cause of the context's end, if it has ended. The
// deadline of a connection, which is set to that of the context, may strike a
// moment earlier.
func SettledCause(ctx context.Context, err error) error {
	if deadline, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && time.Until(deadline) < time.Second {
		<-ctx.Done()
	}
	return context.Cause(ctx)
}

// timedOut is the cause when connecting took too long.
func (d *dialer) timedOut(after time.Duration) error {
	return &timeoutError{what: "dial_timeout", after: after.Round(time.Millisecond)}
}

func (d *dialer) order(connID int) []string {
	n, first := len(d.hosts), 0
	switch d.strategy {
	case chgo.ConnOpenRoundRobin:
		first = connID % n
	case chgo.ConnOpenRandom:
		first = rand.IntN(n) //nolint:gosec // spreads load, keeps no secret
	case chgo.ConnOpenInOrder:
	}
	out := make([]string, 0, n)
	out = append(append(out, d.hosts[first:]...), d.hosts[:first]...)
	slices.SortStableFunc(out, func(a, b string) int { return d.rank(a) - d.rank(b) })
	return out
}

// note remembers whether a host answers.
func (d *dialer) note(addr string, up bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down == nil {
		d.down = make(map[string]time.Time)
	}
	if up {
		delete(d.down, addr)
	} else {
		d.down[addr] = time.Now()
	}
}

// rank is 1 for hosts that have just not been reached.
func (d *dialer) rank(addr string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, ok := d.down[addr]; ok && time.Since(at) < downTime {
		return 1
	}
	return 0
}

// dial connects to one address, with TLS where the DSN asks for it.
func (d *dialer) dial(ctx context.Context, addr string) (net.Conn, error) {
	tcp := net.Dialer{Timeout: d.timeout}
	conn, err := tcp.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, &dialError{addr: addr, err: err}
	}
	if d.tls == nil {
		return conn, nil
	}
	config := d.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = strings.Cut(addr, ":")
		if host, _, err := net.SplitHostPort(addr); err == nil {
			config.ServerName = host
		}
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error is the one to tell
		return nil, &dialError{addr: addr, err: &tlsError{err: err}}
	}
	return secured, nil
}

// dialNative is dial for the native protocol: the connection recognizes a peer
// that speaks something else.
func (d *dialer) dialNative(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := d.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return newNativeConn(conn), nil
}

// driverStrategy makes the driver open its connections with each. The driver
// itself ignores the context while it waits for the server's greeting, so the
// connection is closed under it. It asks over HTTP who the server is; the
// settings and the ID of the statement that is waiting for the connection are not for
// that question, whose body is never compressed.
func (d *dialer) driverStrategy(ctx context.Context, connID int, opt *chgo.Options, dial chgo.Dial) (chgo.DialResult, error) {
	var result chgo.DialResult
	err := d.each(ctx, connID, func(ctx context.Context, addr string) error {
		opening := &openingConn{}
		stop := context.AfterFunc(ctx, opening.close)
		defer stop()
		var err error
		ctx = withoutQueryID(context.WithValue(ctx, openingKey{}, opening), chgo.WithSettings(chgo.Settings{}))
		result, err = dial(ctx, addr, opt)
		if err != nil {
			opening.close()
		}
		return err
	})
	return result, err
}

// withoutQueryID returns the context for a question of the Client's own on the way to
// a statement. An ID that the caller has given is the statement's: the server may
// still be at the end of the question when the statement comes, and would refuse it.
func withoutQueryID(ctx context.Context, options ...chgo.QueryOption) context.Context {
	return chgo.Context(ctx, append(options, chgo.WithQueryID(""))...)
}

// dialError says that no connection to one address could be made. Nothing was
// sent but a greeting.
type dialError struct {
	addr string
	err  error
}

// NotConnected reports whether no connection could be made, so that no
// statement was sent.
func NotConnected(err error) bool { return errors.As(err, new(*dialError)) }

func (e *dialError) Error() string { return fmt.Sprintf("connect to %s: %s", e.addr, plain(e.err)) }
func (e *dialError) Unwrap() error { return e.err }

// tlsError says that a TLS handshake failed.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return "TLS: " + e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// hostsError holds the failures of several hosts.
type hostsError struct{ failures []error }

func (e *hostsError) Error() string {
	texts := make([]string, len(e.failures))
	for i, err := range e.failures {
		texts[i] = plain(err)
	}
	return strings.Join(texts, "; ")
}

func (e *hostsError) Unwrap() []error { return e.failures }
