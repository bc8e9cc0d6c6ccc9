//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// How long Stop lets running statements go on, and how often it looks.
const (
	drainTimeout  = 10 * time.Second
	drainInterval = 20 * time.Millisecond
)

// Stop ends the engine in good order and releases the data directory. Running SELECTs are cancelled; inserts and other
// statements get ten seconds to end; connections are closed; Buffer tables are flushed. If ctx ends first, or all this
// takes too long, the engine is killed and the error says so; even then rows acknowledged by MergeTree tables are there
// at the next start. Stopping an engine that has ended already does nothing.
func (s *Server) Stop(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("stop engine: %w", err)
	}
	defer s.give()
	return s.stop(ctx)
}

// stop ends the process in good order.
func (s *Server) stop(ctx context.Context) error {
	p := s.process()
	if p.ended() {
		return nil
	}
	s.drain(ctx, p)
	return p.stop(ctx)
}

// drain cancels running SELECTs, and gives everything else some time to end.
func (s *Server) drain(ctx context.Context, p *process) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	who := s.account()
	tick := time.NewTicker(drainInterval)
	defer tick.Stop()
	for {
		_, err := askHTTP(ctx, s.http, who, "", "KILL QUERY WHERE query_kind = 'Select' ASYNC FORMAT Null")
		if err != nil {
			return // an engine that does not answer has nothing to wait for
		}
		running, err := askHTTP(ctx, s.http, who, "", "SELECT count() FROM system.processes WHERE query_id != queryID()")
		if err != nil || strings.TrimSpace(running) == "0" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-p.done:
			return
		}
	}
}

// Kill ends the engine at once, as a crash would (SIGKILL), and returns when it is gone. An engine that does not run
// is no error. It is for tests.
func (s *Server) Kill() error {
	if err := s.process().kill(); err != nil {
		return fmt.Errorf("kill engine: %w", err)
	}
	return nil
}

// Restart stops the engine if it runs, and starts it again with the same data, ports, user and password, so that
// every DSN given out stays right. Errors are those of Start; a port may be taken meanwhile. After an error the engine
// is not running, and Restart may be tried again.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("restart engine: %w", err)
	}
	defer s.give()
	if err := s.stop(ctx); err != nil {
		return err
	}
	return s.start(ctx)
}

func (s *Server) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Server) give() { <-s.turn }
