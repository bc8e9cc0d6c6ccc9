package main

import (
	"context"
	"errors"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
)

// way is a way to store one message at a time, from many goroutines.
type way struct {
	name string
	open func(ctx context.Context, e *engine, p *place, goroutines int) (*recorder, error)
}

// recorder stores messages. Record is called by many goroutines.
type recorder struct {
	record func(ctx context.Context, m *message) error
	close  func(ctx context.Context) error
}

// ways are compared with the first of them.
func ways() []way {
	return []way{
		{"factload, structs", pipeline((*message).asStruct)},
		{"factload, maps", pipeline((*message).asMap)},
		{"clickhouse-go, async_insert", driverWay(asyncContext)},
		{"clickhouse-go, an insert a call", driverWay(syncContext)},
	}
}

// pipeline records into a MemoryStore and an acknowledging Materializer.
func pipeline(toFact func(*message) fact.Fact) func(context.Context, *engine, *place, int) (*recorder, error) {
	return func(ctx context.Context, e *engine, p *place, _ int) (*recorder, error) {
		return openPipeline(ctx, e, p, toFact, fact.WithStore(fact.NewMemoryStore(), "messages"))
	}
}

// openPipeline records into an acknowledging Materializer.
func openPipeline(ctx context.Context, e *engine, p *place, toFact func(*message) fact.Fact, opts ...fact.PipelineOption) (*recorder, error) {
	m, err := clickhouse.New(clickhouse.Config{DSN: p.dsn})
	if err != nil {
		return nil, err
	}
	pipeline := fact.NewPipeline(append(opts, fact.WithMaterializer(m))...)
	return &recorder{
		record: func(ctx context.Context, msg *message) error { return pipeline.Record(ctx, toFact(msg)) },
		close:  func(ctx context.Context) error { return errors.Join(pipeline.Close(ctx), m.Close(ctx)) },
	}, pipeline.EnsureSchemas(ctx, e.schema)
}

// asyncContext asks the server to gather the rows of several inserts, and to
// answer when they are stored.
func asyncContext(ctx context.Context) context.Context {
	return chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"async_insert": 1, "wait_for_async_insert": 1}))
}

// syncContext asks the server to store each insert by itself.
func syncContext(ctx context.Context) context.Context {
	return chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"async_insert": 0}))
}

// driverWay makes each message a batch of clickhouse-go.
func driverWay(settings func(context.Context) context.Context) func(context.Context, *engine, *place, int) (*recorder, error) {
	return func(_ context.Context, _ *engine, p *place, goroutines int) (*recorder, error) {
		conn, err := p.driver(goroutines)
		if err != nil {
			return nil, err
		}
		return &recorder{
			record: func(ctx context.Context, m *message) error {
				batch, err := conn.PrepareBatch(settings(ctx), "INSERT INTO "+table+" ("+columns+")")
				if err != nil {
					return err
				}
				if err := batch.Append(m.values()...); err != nil {
					return errors.Join(err, batch.Abort())
				}
				return batch.Send()
			},
			close: func(context.Context) error { return conn.Close() },
		}, nil
	}
}
