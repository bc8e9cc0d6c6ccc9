package insert

import (
	"sync"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
)

// Inserter inserts blocks of rows, over the connections of a [chconn.Client]. It is
// safe for concurrent use.
type Inserter struct {
	client      *chconn.Client
	migrator    *migrate.Migrator
	generations *generations

	mu      sync.Mutex
	spreads map[string]*spread           // of Distributed tables
	others  map[*chconn.Client]*Inserter // of other servers
}

// New returns an Inserter. It connects to nothing. The Client stays the
// caller's.
//
// An Inserter remembers into which table an insert went whose answer was lost,
// in case that the table is rebuilt before the insert is repeated. So repeat it
// with the same Inserter.
func New(client *chconn.Client) *Inserter {
	return &Inserter{client: client, migrator: migrate.New(client), generations: newGenerations()}
}

// BlockCopies returns how many times the rows of a block are held in memory while
// they are inserted over the Client's connections, the block itself included: 1
// over the native protocol, 3 if they are compressed there, and 2 over HTTP, which
// takes a column at a time.
func BlockCopies(c *chconn.Client) int {
	switch {
	case c.IsHTTP():
		return 2
	case c.Compression().Method == chgo.CompressionNone:
		return 1
	default:
		return 3
	}
}
