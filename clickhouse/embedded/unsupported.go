//go:build !((linux || darwin) && (amd64 || arm64))

package embedded

import (
	"context"
	"fmt"
	"runtime"
)

// Server is a running engine. On this platform there is none.
type Server struct{}

// Start fails with an error that is ErrUnsupported.
func Start(context.Context, Config) (*Server, error) {
	return nil, fmt.Errorf("%w: %s/%s: use a ClickHouse server by its DSN", ErrUnsupported, runtime.GOOS, runtime.GOARCH)
}

// DSN returns nothing on this platform.
func (*Server) DSN() string { return "" }

// HTTPDSN returns nothing on this platform.
func (*Server) HTTPDSN() string { return "" }

// DSNFile returns nothing on this platform.
func (*Server) DSNFile() string { return "" }

// Sandbox returns ErrUnsupported on this platform.
func (*Server) Sandbox() error { return ErrUnsupported }

// PID returns 0 on this platform.
func (*Server) PID() int { return 0 }

// Done returns nil on this platform.
func (*Server) Done() <-chan struct{} { return nil }

// Err returns ErrUnsupported on this platform.
func (*Server) Err() error { return ErrUnsupported }

// Stop returns ErrUnsupported on this platform.
func (*Server) Stop(context.Context) error { return ErrUnsupported }

// Kill returns ErrUnsupported on this platform.
func (*Server) Kill() error { return ErrUnsupported }

// Restart returns ErrUnsupported on this platform.
func (*Server) Restart(context.Context) error { return ErrUnsupported }

// Use is a use of a running engine. On this platform there is none.
type Use struct{}

// Join fails with an error that is ErrUnsupported.
func Join(ctx context.Context, cfg Config) (*Use, error) {
	_, err := Start(ctx, cfg)
	return nil, err
}

// DSN returns nothing on this platform.
func (*Use) DSN() string { return "" }

// HTTPDSN returns nothing on this platform.
func (*Use) HTTPDSN() string { return "" }

// PID returns 0 on this platform.
func (*Use) PID() int { return 0 }

// Owner returns 0 on this platform.
func (*Use) Owner() int { return 0 }

// Started returns nil on this platform.
func (*Use) Started() *Server { return nil }

// Close does nothing on this platform.
func (*Use) Close(context.Context) error { return nil }
