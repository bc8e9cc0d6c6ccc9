// Package rebuildhook lets the tests of this module watch and shorten the
// rebuild of a table.
package rebuildhook

import (
	"context"
	"time"
)

// DefaultHold is how long a rebuild holds back inserts, at least, before the
// new table takes its place. It has to be longer than any insert takes from its
// look at the table, which is up to two seconds old, to the server.
const DefaultHold = 5 * time.Second

// Hook is what a rebuild takes from its context.
type Hook struct {
	// Hold is used instead of DefaultHold. A shorter time is for tables into
	// which nobody inserts.
	Hold time.Duration
	// Step is called after each step. It may be nil.
	Step func(name string)
}

type key struct{}

// With returns a context for rebuilds that heed the hook.
func With(ctx context.Context, h Hook) context.Context { return context.WithValue(ctx, key{}, h) }

// From returns the hook of a context, or one that changes nothing.
func From(ctx context.Context) Hook {
	if h, ok := ctx.Value(key{}).(Hook); ok {
		return h
	}
	return Hook{Hold: DefaultHold}
}
