package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/sqlitestore"
)

// answer is one answer of a chat model.
var answer = fact.Schema{
	Name: "answer",
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "tokens", Type: fact.UInt32},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"model", "created_at"},
}

// service is the log and the table that follows it.
type service struct {
	log      *sqlitestore.Store
	client   *clickhouse.Client
	tables   *clickhouse.Materializer
	pipeline *fact.Pipeline
}

func open(ctx context.Context, dsn, path string) (s *service, err error) {
	s = new(service)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if s.log, err = sqlitestore.Open(ctx, sqlitestore.Config{Path: path}); err != nil {
		return s, err
	}
	if s.client, err = clickhouse.Open(dsn); err != nil {
		return s, err
	}
	if s.tables, err = clickhouse.New(clickhouse.Config{Client: s.client}); err != nil {
		return s, err
	}
	s.pipeline = fact.NewPipeline(fact.WithStore(s.log, "chat"), fact.WithMaterializer(s.tables),
		fact.WithFollow(fact.Follow{Consumer: "rows"}))
	return s, s.pipeline.EnsureSchemas(ctx, answer)
}

func (s *service) close(ctx context.Context) error {
	var errs []error
	if s.pipeline != nil {
		errs = append(errs, s.pipeline.Close(ctx))
	}
	if s.tables != nil {
		errs = append(errs, s.tables.Close(ctx))
	}
	if s.client != nil {
		errs = append(errs, s.client.Close())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close(ctx))
	}
	return errors.Join(errs...)
}

// serve records answers for ever, each in a stream of its conversation, and prints
// a line for each that is in the log.
func serve(ctx context.Context, dsn, path string, w io.Writer) error {
	const goroutines = 16
	s, err := open(ctx, dsn, path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(s.pipeline.Follow(ctx)) })
	for g := range goroutines {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				events, err := s.pipeline.RecordReturning(ctx, fact.Fact{
					Schema: "answer", Stream: fmt.Sprint("chat-", g),
					Data: map[string]any{"model": fmt.Sprint("small-", g%3), "tokens": n % 100, "created_at": time.Now()},
				})
				if err == nil {
					_, err = fmt.Fprintln(w, events[0].ID)
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(context.Cause(ctx), s.close(context.WithoutCancel(ctx)))
}

// recover heals the table, publishes the log and asks a question.
func (s *service) recover(ctx context.Context, w io.Writer) error {
	if err := s.log.Check(ctx); err != nil {
		return err
	}
	logged, err := s.log.LastPosition(ctx)
	if err != nil {
		return err
	}
	before, err := s.rows(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "started again: the log is whole and has %d answers, the table has %d\n", logged, before)
	if err := errors.Join(err, s.heal(ctx)); err != nil {
		return err
	}
	after, err := s.rows(ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "healed: the table has %d\n", after); err != nil {
		return err
	}
	published := 0
	outbox, err := fact.NewSubscription(fact.SubscriptionConfig{
		Log: s.log, Consumer: "outbox",
		Handle: func(_ context.Context, entries []fact.Entry) error {
			published += len(entries) // jetstream.Publisher has a Handle that sends them
			return nil
		},
	})
	if err != nil {
		return err
	}
	if err := outbox.CatchUp(ctx); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "published %d\nanswers by model:\n", published); err != nil {
		return err
	}
	return s.client.QueryFormat(ctx, w, "TSVWithNames",
		"SELECT model, count() > 0 AS answered, avg(tokens) < 100 AS short FROM answer GROUP BY model ORDER BY model")
}

// heal lets the table follow until it has what the log has.
func (s *service) heal(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	followed := make(chan error, 1)
	go func() { followed <- s.pipeline.Follow(ctx) }()
	for {
		lag, err := s.pipeline.Lag(ctx)
		if lag == 0 || err != nil {
			cancel()
			<-followed //nolint:errcheck // it was told to end
			return err
		}
		select {
		case err := <-followed:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *service) rows(ctx context.Context) (n uint64, err error) {
	rows, err := s.client.Query(ctx, "SELECT count() FROM answer")
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&n))
	}
	return n, errors.Join(err, rows.Err(), rows.Close())
}
