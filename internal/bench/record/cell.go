package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// cell is what one way did with a number of goroutines.
type cell struct {
	facts     float64 // a second
	p50, p99  time.Duration
	inserts   float64 // a second
	parts     uint64  // active ones, at most
	serverCPU float64 // cores
}

// watchEvery is how often the active parts are counted.
const watchEvery = 250 * time.Millisecond

// measure lets goroutines record one message after the other for a while, and
// checks that the table has what was acknowledged.
func measure(ctx context.Context, e *engine, w way, goroutines int, duration time.Duration) (cell, error) {
	p, err := e.fresh(ctx)
	if err != nil {
		return cell{}, err
	}
	r, err := w.open(ctx, e, p, goroutines)
	if err != nil {
		return cell{}, err
	}
	before, err := e.counters(ctx)
	if err != nil {
		return cell{}, err
	}
	watching, stop := context.WithCancel(ctx)
	most := make(chan uint64, 1)
	go func() { most <- e.watch(watching, p, nil) }()
	began := time.Now()
	latencies, err := hammer(ctx, r, goroutines, duration)
	took := time.Since(began)
	stop()
	c := cell{parts: <-most}
	after, countErr := e.counters(ctx)
	parts, rows, rowsErr := e.activeParts(ctx, p)
	c.parts = max(c.parts, parts)
	if err := errors.Join(err, r.close(ctx), countErr, rowsErr); err != nil {
		return c, fmt.Errorf("%s, %d goroutines: %w", w.name, goroutines, err)
	}
	if rows != uint64(len(latencies)) {
		return c, fmt.Errorf("%s, %d goroutines: %d facts were acknowledged, and the table has %d", w.name, goroutines, len(latencies), rows)
	}
	slices.Sort(latencies)
	c.facts = float64(len(latencies)) / took.Seconds()
	c.p50, c.p99 = quantile(latencies, 0.5), quantile(latencies, 0.99)
	c.inserts = float64(after.parts-before.parts) / took.Seconds()
	c.serverCPU = (after.cpu - before.cpu).Seconds() / took.Seconds()
	return c, e.drop(ctx, p)
}

// hammer records from the goroutines until the time is over, and returns how
// long each call took.
func hammer(ctx context.Context, r *recorder, goroutines int, duration time.Duration) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := time.Now().Add(duration)
	all := make([][]time.Duration, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			maker := newMaker(g)
			for ctx.Err() == nil && time.Now().Before(end) {
				m := maker.next()
				began := time.Now()
				if err := r.record(ctx, m); err != nil {
					cancel(err)
					return
				}
				all[g] = append(all[g], time.Since(began))
			}
		})
	}
	wg.Wait()
	return slices.Concat(all...), context.Cause(ctx)
}

// watch counts the active parts until ctx ends, and returns the most it saw.
// It tells each count, if told is not nil.
func (e *engine) watch(ctx context.Context, p *place, told func(parts uint64)) (most uint64) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-ticker.C:
			parts, _, err := e.activeParts(ctx, p)
			if err != nil {
				continue // the run ends, or the server is busy: the next look counts
			}
			most = max(most, parts)
			if told != nil {
				told(parts)
			}
		}
	}
}

// quantile returns a quantile of sorted times.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median returns the cell in the middle, by facts a second.
func median(cells []cell) cell {
	cells = slices.Clone(cells)
	slices.SortFunc(cells, func(a, b cell) int { return int(a.facts - b.facts) })
	return cells[len(cells)/2]
}
