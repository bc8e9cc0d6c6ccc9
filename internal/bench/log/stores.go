package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble"
	"github.com/hallgren/eventsourcing/core"
	hallgren "github.com/hallgren/eventsourcing/eventstore/sql"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite" // the driver

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/pgstore"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/pgtest"
)

// store is what is measured of a store.
type store struct {
	// save appends one event to a stream that only one goroutine writes to: the nth.
	save func(ctx context.Context, stream string, n int64, data []byte) error
	// fill appends events to a stream, many at a time, and end returns how many are after
	// the sequence. Nil means that it is not measured.
	fill  func(ctx context.Context, stream string, first int64, events [][]byte) error
	end   func(ctx context.Context, stream string, after int64) (int, error)
	close func() error
}

// kind is a kind of store.
type kind struct {
	name string
	open func(ctx context.Context, dir string) (store, error)
}

// kinds are all kinds. The first is what others are compared with.
var kinds = []kind{
	{"factload, SQLite", openSQLite},
	{"factload, PostgreSQL", openPostgres},
	{"factload, memory", func(context.Context, string) (store, error) {
		return ours(fact.NewMemoryStore(), func() error { return nil }), nil
	}},
	{"hallgren/eventsourcing, SQLite", openHallgren},
	{"bbolt, a transaction for each append", func(_ context.Context, dir string) (store, error) { return openBolt(dir, (*bbolt.DB).Update) }},
	{"bbolt, Batch", func(_ context.Context, dir string) (store, error) { return openBolt(dir, (*bbolt.DB).Batch) }},
	{"pebble, Sync", openPebble},
}

// ours measures a store of factload.
func ours(s fact.EventStore, done func() error) store {
	return store{
		save: func(ctx context.Context, stream string, _ int64, data []byte) error {
			return s.Append(ctx, stream, []fact.Event{{Type: "message", Data: data}})
		},
		fill: func(ctx context.Context, stream string, _ int64, data [][]byte) error {
			events := make([]fact.Event, len(data))
			for i := range data {
				events[i] = fact.Event{Type: "message", Data: data[i]}
			}
			return s.Append(ctx, stream, events)
		},
		end: func(ctx context.Context, stream string, after int64) (int, error) {
			events, err := s.LoadFrom(ctx, stream, after)
			return len(events), err
		},
		close: done,
	}
}

func openSQLite(ctx context.Context, dir string) (store, error) {
	s, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: filepath.Join(dir, "factload.db")})
	if err != nil {
		return store{}, err
	}
	return ours(s, func() error { return s.Close(ctx) }), nil
}

func openPostgres(ctx context.Context, _ string) (store, error) {
	cluster, err := pgtest.New()
	if err != nil {
		return store{}, err
	}
	if err := cluster.Start(); err != nil {
		return store{}, errors.Join(err, cluster.Remove())
	}
	s, err := pgstore.Open(ctx, pgstore.Config{DSN: cluster.DSN()})
	if err != nil {
		return store{}, errors.Join(err, cluster.Stop(), cluster.Remove())
	}
	return ours(s, func() error { return errors.Join(s.Close(ctx), cluster.Stop(), cluster.Remove()) }), nil
}

// openHallgren opens the store on the driver and with the guarantee of ours: WAL, and a
// sync for each commit. It has one connection, since SQLite has one writer.
func openHallgren(_ context.Context, dir string) (store, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "hallgren.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return store{}, err
	}
	db.SetMaxOpenConns(1)
	s := hallgren.Open(db)
	if err := s.Migrate(); err != nil {
		return store{}, err
	}
	event := func(stream string, n int64, data []byte) core.Event {
		return core.Event{AggregateID: stream, AggregateType: "chat", Reason: "message", Version: core.Version(n), Timestamp: time.Now(), Data: data}
	}
	return store{
		save: func(_ context.Context, stream string, n int64, data []byte) error {
			return s.Save([]core.Event{event(stream, n, data)})
		},
		fill: func(_ context.Context, stream string, first int64, data [][]byte) error {
			events := make([]core.Event, len(data))
			for i := range data {
				events[i] = event(stream, first+int64(i), data[i])
			}
			return s.Save(events)
		},
		end: func(ctx context.Context, stream string, after int64) (n int, err error) {
			events, err := s.Get(ctx, stream, "chat", core.Version(after))
			if err != nil {
				return 0, err
			}
			defer events.Close()
			for ; events.Next(); n++ {
				if _, err := events.Value(); err != nil {
					return n, err
				}
			}
			return n, nil
		},
		close: db.Close,
	}, nil
}

// The key-value stores keep an event by stream and sequence, and by position: the least
// that a log needs of them.

func openBolt(dir string, update func(*bbolt.DB, func(*bbolt.Tx) error) error) (store, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt.db"), 0o600, nil)
	if err != nil {
		return store{}, err
	}
	save := func(_ context.Context, stream string, n int64, data []byte) error {
		return update(db, func(tx *bbolt.Tx) error {
			events, err := tx.CreateBucketIfNotExists([]byte("events"))
			if err != nil {
				return err
			}
			log, err := tx.CreateBucketIfNotExists([]byte("log"))
			if err != nil {
				return err
			}
			position, err := log.NextSequence()
			if err != nil {
				return err
			}
			key := sequenceKey(stream, n)
			return errors.Join(events.Put(key, data), log.Put(binary.BigEndian.AppendUint64(nil, position), key))
		})
	}
	return store{save: save, close: db.Close}, nil
}

func openPebble(_ context.Context, dir string) (store, error) {
	db, err := pebble.Open(filepath.Join(dir, "pebble"), &pebble.Options{Logger: quiet{}})
	if err != nil {
		return store{}, err
	}
	var turn = make(chan uint64, 1) // has the last position
	turn <- 0
	save := func(_ context.Context, stream string, n int64, data []byte) error {
		b := db.NewBatch()
		defer b.Close()
		key := sequenceKey(stream, n)
		position := <-turn + 1
		turn <- position
		err := errors.Join(b.Set(key, data, nil), b.Set(binary.BigEndian.AppendUint64([]byte("log/"), position), key, nil))
		if err != nil {
			return err
		}
		return b.Commit(pebble.Sync)
	}
	return store{save: save, close: db.Close}, nil
}

func sequenceKey(stream string, n int64) []byte {
	return fmt.Appendf(nil, "%s/%020d", stream, n)
}

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
