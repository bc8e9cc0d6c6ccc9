//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/factload/factload/internal/private"
)

// joinInterval is how often Join and Close look at what other programs do.
const joinInterval = 10 * time.Millisecond

// Use is one program's use of an engine that others may use at the same time. It must be closed.
type Use struct {
	dsn, httpDSN string
	pid          int

	files  layout
	lock   *os.File // shared, on the file of uses
	owned  bool     // by a Start: it ends when its owner says so
	parent int      // the process that has started it, unless that is this one
	own    *Server  // if this Use has started the engine
	left   sync.Once
}

// Join uses the engine of cfg.DataDir, and starts one when there is none. An engine that Join has started ends when the
// last Use is closed or its program has ended, however that was; the program that started it may end before. One that
// Start has started can be joined too, and ends when its owner says so.
//
// Of cfg, only DataDir counts when the engine runs already. Errors are those of Start, without ErrInUse.
func Join(ctx context.Context, cfg Config) (*Use, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.StartTimeout,
		fmt.Errorf("engine not ready after %s: %w", s.cfg.StartTimeout, context.DeadlineExceeded))
	defer cancel()
	if err := s.files.makeRoot(); err != nil {
		return nil, err
	}
	tick := time.NewTicker(joinInterval)
	defer tick.Stop()
	for {
		u, err := s.join(ctx)
		if u != nil || err != nil && !errors.Is(err, ErrInUse) {
			return u, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("join the engine of %s: %w", s.files.root, context.Cause(ctx)), err)
		}
	}
}

// join tries once. It returns nothing, or ErrInUse, when it is to be tried again.
func (s *Server) join(ctx context.Context) (_ *Use, err error) {
	u := &Use{files: s.files}
	if u.lock, err = private.Open(s.files.uses()); err != nil {
		return nil, fmt.Errorf("engine data directory %s: %w", s.files.root, withAdvice(err))
	}
	defer func() {
		if u.dsn == "" {
			closeAll(u.lock)
		}
	}()
	if err := flock(u.lock, syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return nil, err // an engine is about to end
	}
	if s.uses, err = private.Open(s.files.uses()); err != nil { // not the same open file, so not the same lock
		return nil, err
	}
	err = s.start(ctx)
	closeAll(s.uses)
	if err == nil {
		u.own, u.dsn, u.httpDSN, u.pid = s, s.DSN(), s.HTTPDSN(), s.PID()
		return u, nil
	}
	var inUse *InUseError
	if !errors.As(err, &inUse) {
		return nil, err
	}
	return s.enter(ctx, u, inUse)
}

// enter joins the engine that is running, if it is ready.
func (s *Server) enter(ctx context.Context, u *Use, inUse *InUseError) (*Use, error) {
	text, err := private.Read(s.files.dsn())
	if errors.Is(err, os.ErrNotExist) {
		return nil, s.bury()
	}
	if err != nil {
		return nil, fmt.Errorf("engine data directory: %w", err)
	}
	dsn, httpDSN, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if err := answers(ctx, httpDSN); err != nil {
		return nil, inUse // it has just ended, or is about to
	}
	u.dsn, u.httpDSN, u.pid, u.owned, u.parent = dsn, httpDSN, inUse.PID, !inUse.shared, inUse.parent
	return u, nil
}

// answers reports whether the engine of the HTTP DSN answers.
func answers(ctx context.Context, httpDSN string) error {
	at, who, err := ofDSN(httpDSN)
	if err == nil {
		_, err = askHTTP(ctx, at, who, "", "SELECT 1")
	}
	return err
}

// ofDSN reads an HTTP DSN.
func ofDSN(httpDSN string) (addr, account, error) {
	u, err := url.Parse(httpDSN)
	if err != nil {
		return addr{}, account{}, errors.New("the DSN file holds no DSN") // without the text, which has the password
	}
	at, err := parseAddr("http", u.Host)
	password, _ := u.User.Password()
	return at, account{u.User.Username(), password}, err
}

// bury ends a shared engine that will never be ready, since the program that started it has ended.
func (s *Server) bury() error {
	f, err := private.Open(s.files.lock())
	if err != nil {
		return err
	}
	defer f.Close()
	h := readHolder(f)
	if !h.Shared || !errors.Is(syscall.Kill(h.Parent, 0), syscall.ESRCH) {
		return nil
	}
	if _, err := os.Stat(s.files.dsn()); err == nil {
		return nil // it has become ready meanwhile
	}
	if flock(f, syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		return nil // it has ended meanwhile, and its number may be another process's
	}
	if err := syscall.Kill(h.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("engine process %d, which is not ready and has no parent: %w", h.PID, err)
	}
	return nil
}

// flock is the system call of that name, where a lock that somebody else has is ErrInUse.
func flock(f *os.File, how int) error {
	err := syscall.Flock(int(f.Fd()), how)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// DSN returns the engine's DSN for the native protocol. It holds the password.
func (u *Use) DSN() string { return u.dsn }

// HTTPDSN returns the engine's DSN for the HTTP protocol. It holds the password.
func (u *Use) HTTPDSN() string { return u.httpDSN }

// PID returns the number of the engine process.
func (u *Use) PID() int { return u.pid }

// Owner returns the number of the process that has started the engine by Start, and ends it. It is 0 for an engine that
// ends with the last program that has joined it.
func (u *Use) Owner() int {
	if !u.owned {
		return 0
	}
	return u.parent
}

// Started returns the engine if this Use has started it, and else nil. It is not to be stopped.
func (u *Use) Started() *Server { return u.own }

// Close ends the use. If it was the last one of an engine that Join has started, the engine ends in good order, and Close
// waits for that until ctx ends. When others use it, Close returns at once. A second call does nothing.
func (u *Use) Close(ctx context.Context) (err error) {
	u.left.Do(func() { err = u.leave(ctx) })
	return err
}

func (u *Use) leave(ctx context.Context) error {
	defer closeAll(u.lock)
	last := !u.owned && flock(u.lock, syscall.LOCK_EX|syscall.LOCK_NB) == nil
	if err := flock(u.lock, syscall.LOCK_UN); err != nil {
		return fmt.Errorf("leave engine: %w", err)
	}
	if u.own != nil {
		u.own.process().asked.Store(true) // its end is no surprise
	}
	tick := time.NewTicker(joinInterval)
	defer tick.Stop()
	for others := 0; last && others < 3 && !u.ended(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("engine %d has not ended: %w", u.pid, context.Cause(ctx))
		}
		// An engine that is about to end lets nobody have a shared lock; others who use it do. One that has not yet
		// noticed is neither, and it may notice between the two questions: hence more than one look.
		if flock(u.lock, syscall.LOCK_SH|syscall.LOCK_NB) == nil && flock(u.lock, syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			others++
		} else {
			others = 0
		}
		if err := flock(u.lock, syscall.LOCK_UN); err != nil {
			return fmt.Errorf("leave engine: %w", err)
		}
	}
	return nil
}

// ended reports whether the engine of this Use is gone.
func (u *Use) ended() bool {
	if u.own != nil {
		return u.own.process().ended()
	}
	f, err := private.Open(u.files.lock())
	if err != nil {
		return true
	}
	defer f.Close()
	return readHolder(f).PID != u.pid || flock(f, syscall.LOCK_SH|syscall.LOCK_NB) == nil
}
