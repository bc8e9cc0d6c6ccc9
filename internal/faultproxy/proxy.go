package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// Proxy passes connections on to a server. It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string
	ctx      context.Context // ends at Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu       sync.Mutex
	planner  Planner
	accepted int
	conns    map[*connection]bool
	happened [kinds]int
}

// Start starts a proxy on a free port of this machine. The target is
// HOST:PORT. Nobody has to listen there yet.
func Start(target string, planner Planner) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	p := &Proxy{listener: listener, target: target, planner: planner, conns: make(map[*connection]bool)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.wg.Go(p.accept)
	return p, nil
}

// ForDSN starts a proxy to the host of a DSN, and returns it with the DSN that
// leads through it.
func ForDSN(dsn string, planner Planner) (*Proxy, string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, "", errors.New("fault proxy: the DSN is not a URL") // without the error, which holds the password
	}
	p, err := Start(u.Host, planner)
	if err != nil {
		return nil, "", err
	}
	u.Host = p.Addr()
	return p, u.String(), nil
}

// Addr returns HOST:PORT of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetPlan sets the planner for connections that are made from now on.
func (p *Proxy) SetPlan(planner Planner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planner = planner
}

// CutAll cuts every connection that there is.
func (p *Proxy) CutAll() {
	for _, c := range p.open() {
		c.cut(false)
	}
}

// Happened returns how many connections have been broken so far, by the kind
// of their plan. Plans whose turn has not come are not counted.
func (p *Proxy) Happened() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make(map[Kind]int)
	for k, n := range p.happened {
		if n > 0 {
			counts[Kind(k)] = n
		}
	}
	return counts
}

// Accepted returns how many connections clients have made so far.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Close stops listening, cuts every connection and waits for their goroutines.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.CutAll()
	p.wg.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("fault proxy: %w", err)
	}
	return nil
}

func (p *Proxy) open() []*connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*connection, 0, len(p.conns))
	for c := range p.conns {
		all = append(all, c)
	}
	return all
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		plan := p.planner(p.accepted)
		p.accepted++
		p.mu.Unlock()
		p.wg.Go(func() { p.serve(client, plan) })
	}
}

// dialTimeout is how long the server may take to accept a connection.
const dialTimeout = 5 * time.Second

// serve passes one connection until one of its sides ends it.
func (p *Proxy) serve(client net.Conn, plan Plan) {
	c := &connection{plan: plan, client: client, ctx: p.ctx, note: func() { p.note(plan.Kind) }}
	if plan.Kind == Refuse {
		c.broken()
		c.cut(plan.Reset)
		return
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(p.ctx, "tcp", p.target)
	if err != nil {
		c.cut(true)
		return
	}
	c.server = server
	p.mu.Lock()
	p.conns[c] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
	}()
	if p.ctx.Err() != nil { // Close may have missed it
		c.cut(false)
		return
	}
	c.pass()
}

func (p *Proxy) note(k Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.happened[k]++
}
