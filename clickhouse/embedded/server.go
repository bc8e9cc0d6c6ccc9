//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/factload/factload/internal/private"
)

// Server is a running engine. All methods are safe for concurrent use.
type Server struct {
	cfg     Config // resolved
	library string
	files   layout

	uses *os.File // of a shared engine

	turn chan struct{} // one Restart or Stop at a time

	mu           sync.Mutex // guards the rest
	native, http addr       // with the ports of the first start
	proc         *process
	open         error // what is missing of the sandbox
}

// Start starts an engine and returns when it answers queries on both protocols. The caller should call Stop in the
// end; if it does not, the engine ends with the program.
//
// ctx is for the start alone. Errors worth telling apart: ErrInUse, *LibraryNotFoundError, ErrUnsupported. If the
// engine dies during the start, the error holds its last words.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// newServer returns a server that is not started.
func newServer(cfg Config) (*Server, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	library, err := FindLibrary(cfg.Library)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, library: library, files: layout{cfg.DataDir}, turn: make(chan struct{}, 1)}
	if s.native, err = parseAddr("native", cfg.Native); err != nil {
		return nil, err
	}
	s.http, err = parseAddr("http", cfg.HTTP)
	return s, err
}

// start runs a new process. Nobody else may start or stop one meanwhile.
func (s *Server) start(ctx context.Context) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.StartTimeout,
		fmt.Errorf("engine not ready after %s: %w", s.cfg.StartTimeout, context.DeadlineExceeded))
	defer cancel()
	if ctx.Err() != nil {
		return fmt.Errorf("start engine: %w", context.Cause(ctx))
	}
	if err := s.files.makeRoot(); err != nil {
		return err
	}
	lock, err := lockDir(ctx, s.files)
	if err != nil {
		return err
	}
	if err := s.configure(ctx); err != nil {
		closeAll(lock)
		return err
	}
	p, err := spawn(order{library: s.library, files: s.files, sandbox: newSandbox(s.files, s.cfg), lock: lock, uses: s.uses, logger: s.cfg.Logger})
	if err != nil {
		return err
	}
	if err := s.ready(ctx, p); err != nil {
		_ = p.kill() // the error that is returned says more
		return fmt.Errorf("start engine: %w", err)
	}
	s.cfg.Logger.Info("engine started", "pid", p.pid(), "native", s.native.String(), "http", s.http.String(),
		"data", s.files.root, "took", time.Since(begin).Round(time.Millisecond))
	return nil
}

// configure makes the directories and files that the process starts from, and sees that fixed ports are free.
func (s *Server) configure(ctx context.Context) error {
	for _, at := range []struct {
		protocol string
		addr
	}{{"native", s.native}, {"http", s.http}} {
		if err := free(ctx, at.protocol, at.addr); err != nil {
			return err
		}
	}
	if err := s.files.prepare(s.cfg.Backups); err != nil {
		return err
	}
	return s.settings().write()
}

func (s *Server) account() account { return account{s.cfg.User, s.cfg.Password} }

func (s *Server) settings() settings {
	return settings{Config: s.cfg, files: s.files, native: s.native, http: s.http}
}

// free says that the address can be listened on. It may be taken before the engine does; then the engine says so.
func free(ctx context.Context, protocol string, at addr) error {
	if at.port == 0 {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("engine %s address %s is taken by another program: choose another port, or port 0 for any free one: %w", protocol, at, err)
	}
	if err != nil {
		return fmt.Errorf("engine %s address %s cannot be listened on: %w", protocol, at, err)
	}
	return l.Close()
}

// ready waits for the process to listen and to answer, and sees to the database and the DSN file.
func (s *Server) ready(ctx context.Context, p *process) error {
	r, err := p.listening(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.native.port, s.http.port = r.native, r.http
	s.proc, s.open = p, r.open
	s.mu.Unlock()
	if r.open != nil {
		s.cfg.Logger.Warn("the kernel does not confine the engine; its grants alone do", "missing", r.open)
	}
	if _, err := fmt.Fprintf(p.control, watchCommand, r.native, r.http); err != nil {
		return p.orEnded(fmt.Errorf("engine process: %w", err))
	}
	who := s.account()
	if _, err := askHTTP(ctx, s.http, who, "", "SELECT 1"); err != nil {
		return p.orEnded(fmt.Errorf("http protocol: SELECT 1: %w", err))
	}
	if err := greetNative(ctx, s.native, who, s.cfg.Database); err != nil {
		return p.orEnded(fmt.Errorf("native protocol: %w", err))
	}
	if err := private.Write(s.files.dsn(), []byte(s.DSN()+"\n"+s.HTTPDSN()+"\n")); err != nil {
		return fmt.Errorf("write dsn file: %w", err)
	}
	return nil
}

// DSN returns clickhouse://user:password@host:port/database, for the native protocol. It holds the password. The host
// is a loopback address if the engine listens on all addresses.
func (s *Server) DSN() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dsn("clickhouse", s.native)
}

// HTTPDSN returns http://user:password@host:port/database, for the HTTP protocol. See DSN.
func (s *Server) HTTPDSN() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dsn("http", s.http)
}

func (s *Server) dsn(scheme string, at addr) string {
	u := url.URL{
		Scheme:  scheme,
		User:    url.UserPassword(s.cfg.User, s.cfg.Password),
		Host:    at.dial().String(),
		Path:    "/" + s.cfg.Database,
		RawPath: "/" + url.PathEscape(s.cfg.Database),
	}
	return u.String()
}

// DSNFile returns the path of a file, readable by its owner alone, that holds DSN on its first line and HTTPDSN on its
// second while the engine runs.
func (s *Server) DSNFile() string { return s.files.dsn() }

// Sandbox says what the kernel of this machine does not do of what confines the engine, and is nil when it does
// everything. See the package documentation.
func (s *Server) Sandbox() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// PID returns the number of the present engine process, or of the last one.
func (s *Server) PID() int { return s.process().pid() }

// Done returns a channel that is closed when the present engine process has ended. After a Restart there is a new one.
func (s *Server) Done() <-chan struct{} { return s.process().done }

// Err says why the engine ended by itself, with its last words. It is nil while the engine runs, and when it was ended
// by Stop, Kill or Restart.
func (s *Server) Err() error {
	if p := s.process(); p.ended() {
		return p.err
	}
	return nil
}

func (s *Server) process() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}
