package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
)

// callFacts is how many facts one call of the large comparison has.
const callFacts = 1000

// large is a way to store many messages by one call of one goroutine.
type large struct {
	name string
	open func(ctx context.Context, e *engine, p *place) (*batcher, error)
}

// batcher stores all messages of a call.
type batcher struct {
	prepare func(all []*message) // not timed: what the caller has anyway
	store   func(ctx context.Context) error
	close   func(ctx context.Context) error
}

// larges are compared with the first of them.
func larges() []large {
	return []large{
		{"clickhouse-go, typed slices by column", openColumnar},
		{"Record, structs", recordCalls((*message).asStruct, true)},
		{"Record, maps", recordCalls((*message).asMap, true)},
		{"Record without a log, structs", recordCalls((*message).asStruct, false)},
	}
}

func recordCalls(toFact func(*message) fact.Fact, log bool) func(context.Context, *engine, *place) (*batcher, error) {
	return func(ctx context.Context, e *engine, p *place) (*batcher, error) {
		m, err := clickhouse.New(clickhouse.Config{DSN: p.dsn})
		if err != nil {
			return nil, err
		}
		opts := []fact.PipelineOption{fact.WithMaterializer(m)}
		if log {
			opts = append(opts, fact.WithStore(fact.NewMemoryStore(), "messages"))
		}
		pipeline := fact.NewPipeline(opts...)
		facts := make([]fact.Fact, callFacts)
		return &batcher{
			prepare: func(all []*message) {
				for i, m := range all {
					facts[i] = toFact(m)
				}
			},
			store: func(ctx context.Context) error { return pipeline.Record(ctx, facts...) },
			close: func(ctx context.Context) error { return errors.Join(pipeline.Close(ctx), m.Close(ctx)) },
		}, pipeline.EnsureSchemas(ctx, e.schema)
	}
}

// typedSlices are the messages of a call, by column.
type typedSlices struct {
	id, conversation, role, model, content []string
	input, output                          []uint32
	latency                                []float64
	success                                []bool
	created                                []time.Time
}

func (s *typedSlices) add(m *message) {
	s.id, s.conversation, s.role = append(s.id, m.ID), append(s.conversation, m.Conversation), append(s.role, m.Role)
	s.model, s.content = append(s.model, m.Model), append(s.content, m.Content)
	s.input, s.output = append(s.input, m.InputTokens), append(s.output, m.OutputTokens)
	s.latency, s.success = append(s.latency, m.LatencyMS), append(s.success, m.Success)
	s.created = append(s.created, m.CreatedAt)
}

func openColumnar(_ context.Context, _ *engine, p *place) (*batcher, error) {
	conn, err := p.driver(1)
	if err != nil {
		return nil, err
	}
	var s typedSlices
	return &batcher{
		prepare: func(all []*message) {
			s = typedSlices{}
			for _, m := range all {
				s.add(m)
			}
		},
		store: func(ctx context.Context) error {
			batch, err := conn.PrepareBatch(syncContext(ctx), "INSERT INTO "+table+" ("+columns+")")
			if err != nil {
				return err
			}
			for i, column := range []any{s.id, s.conversation, s.role, s.model, s.content, s.input, s.output, s.latency, s.success, s.created} {
				if err := batch.Column(i).Append(column); err != nil {
					return errors.Join(err, batch.Abort())
				}
			}
			return batch.Send()
		},
		close: func(context.Context) error { return conn.Close() },
	}, nil
}

// measureLarge stores calls until the time of the calls themselves is over, and
// returns facts a second.
func measureLarge(ctx context.Context, e *engine, l large, duration time.Duration) (float64, error) {
	p, err := e.fresh(ctx)
	if err != nil {
		return 0, err
	}
	b, err := l.open(ctx, e, p)
	if err != nil {
		return 0, err
	}
	maker, all := newMaker(1), make([]*message, callFacts)
	var took time.Duration
	var calls int
	for ; took < duration || calls == 0; calls++ {
		for i := range all {
			all[i] = maker.next()
		}
		b.prepare(all)
		began := time.Now()
		if err := b.store(ctx); err != nil {
			return 0, fmt.Errorf("%s: %w", l.name, err)
		}
		took += time.Since(began)
	}
	_, rows, err := e.activeParts(ctx, p)
	if err := errors.Join(err, b.close(ctx)); err != nil {
		return 0, fmt.Errorf("%s: %w", l.name, err)
	}
	if rows != uint64(calls*callFacts) {
		return 0, fmt.Errorf("%s: %d facts were acknowledged, and the table has %d", l.name, calls*callFacts, rows)
	}
	return float64(calls*callFacts) / took.Seconds(), e.drop(ctx, p)
}

// allocations returns how many allocations it takes to check and encode one
// fact, of both kinds. Nothing is stored.
func allocations(ctx context.Context, e *engine) (maps, structs float64, err error) {
	p, err := e.fresh(ctx)
	if err != nil {
		return 0, 0, err
	}
	m, err := clickhouse.New(clickhouse.Config{DSN: p.dsn})
	if err != nil {
		return 0, 0, err
	}
	if err := m.EnsureSchema(ctx, e.schema); err != nil {
		return 0, 0, errors.Join(err, m.Close(ctx))
	}
	maker := newMaker(1)
	mapFacts, structFacts := make([]fact.Fact, callFacts), make([]fact.Fact, callFacts)
	for i := range callFacts {
		msg := maker.next()
		mapFacts[i], structFacts[i] = msg.asMap(), msg.asStruct()
	}
	count := func(facts []fact.Fact) float64 {
		const rounds = 50
		var before, after runtime.MemStats
		for round := range rounds + 1 {
			if round == 1 { // the first one grows the block
				runtime.ReadMemStats(&before)
			}
			prepared, prepareErr := m.Prepare(ctx, facts...)
			if prepareErr != nil {
				err = errors.Join(err, prepareErr)
				return 0
			}
			prepared.Discard()
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / (rounds * callFacts)
	}
	maps, structs = count(mapFacts), count(structFacts)
	return maps, structs, errors.Join(err, m.Close(ctx), e.drop(ctx, p))
}
