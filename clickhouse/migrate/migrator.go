package migrate

import (
	"sync"
	"sync/atomic"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// Migrator brings tables to the shape of their schemas, over the connections of
// a [chconn.Client]. It is safe for concurrent use.
type Migrator struct {
	client  *chconn.Client
	options options

	functions atomic.Pointer[ddl.Functions] // of the server; nil until they are asked for
	others    sync.Map                      // Migrators of other hosts, by their Clients
}

// Option changes how [New] sets up a Migrator.
type Option func(*options)

type options struct {
	createDatabase bool
	progress       func(MutationProgress)
}

// New returns a Migrator. It connects to nothing. The Client stays the
// caller's; its logger is told of each change of a table.
func New(client *chconn.Client, opts ...Option) *Migrator {
	m := &Migrator{client: client}
	for _, o := range opts {
		o(&m.options)
	}
	return m
}

// WithCreateDatabase lets [Migrator.Ensure] create the DSN's database when it
// does not exist. Without it a missing database is an error, since it is more
// often a misspelt name.
func WithCreateDatabase() Option {
	return func(o *options) { o.createDatabase = true }
}

// WithMutationProgress calls show while [Migrator.Apply] waits for the server to
// rewrite data: about once a second, and once at the end. The calls for one
// Apply come one after the other.
func WithMutationProgress(show func(MutationProgress)) Option {
	return func(o *options) { o.progress = show }
}
