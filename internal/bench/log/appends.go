package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/factload/factload/fact"
)

// message is the data of an event, of some 200 bytes.
var message = []byte(`{"role":"assistant","model":"m-large","prompt_tokens":812,"score":0.75,"text":"` + strings.Repeat("A reply. ", 14) + `"}`)

// measureAppends lets writers append one event after the other, each to a stream of its
// own, and counts those that have returned.
func measureAppends(ctx context.Context, f flags) error {
	fmt.Printf("### Appends of one event\n\nAppends/s, medians of %d rounds of %g s; in brackets, relative to the first row.\n\n| store |", f.rounds, f.seconds)
	writers := strings.Split(f.writers, ",")
	rates := make(map[string][]float64)
	for round := range f.rounds {
		for _, k := range kinds {
			for _, text := range writers {
				n, err := strconv.Atoi(text)
				if err != nil {
					return err
				}
				rate, err := appendRate(ctx, k, n, time.Duration(f.seconds*float64(time.Second)))
				if err != nil {
					return fmt.Errorf("%s: %w", k.name, err)
				}
				fmt.Fprintf(os.Stderr, "round %d: %s, %d writers: %.0f\n", round, k.name, n, rate)
				rates[k.name+text] = append(rates[k.name+text], rate)
			}
		}
	}
	for _, text := range writers {
		fmt.Printf(" %s writers |", text)
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("---:|", len(writers)))
	for _, k := range kinds {
		fmt.Printf("| %s |", k.name)
		for _, text := range writers {
			rate := median(rates[k.name+text])
			fmt.Printf(" %.0f (%.2f) |", rate, rate/median(rates[kinds[0].name+text]))
		}
		fmt.Println()
	}
	fmt.Println()
	return nil
}

func appendRate(ctx context.Context, k kind, writers int, for_ time.Duration) (rate float64, err error) {
	dir, err := os.MkdirTemp("", "factload-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	s, err := k.open(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var done atomic.Int64
	failures := make(chan error, writers)
	begin := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			stream := fmt.Sprint("chat-", w)
			for n := int64(1); time.Since(begin) < for_; n++ {
				if err := s.save(ctx, stream, n, message); err != nil {
					failures <- err
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	close(failures)
	return float64(done.Load()) / time.Since(begin).Seconds(), <-failures
}

// measureEnd reads the last 100 events of a long stream.
func measureEnd(ctx context.Context, f flags) error {
	fmt.Printf("### The last 100 events of a stream of %d\n\n| store | median | p99 |\n|---|---:|---:|\n", f.stream)
	for _, k := range kinds {
		if err := end(ctx, k, f.stream); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	fmt.Println()
	return nil
}

func end(ctx context.Context, k kind, length int) (err error) {
	dir, err := os.MkdirTemp("", "factload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := k.open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if s.fill == nil {
		return nil
	}
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = message
	}
	for at := 0; at < length; at += len(batch) {
		if err := s.fill(ctx, "chat-1", int64(at+1), batch); err != nil {
			return err
		}
	}
	const reads = 500
	took := make([]float64, reads)
	for i := range took {
		begin := time.Now()
		n, err := s.end(ctx, "chat-1", int64(length-100))
		if err != nil || n != 100 {
			return fmt.Errorf("%d events: %w", n, err)
		}
		took[i] = float64(time.Since(begin).Microseconds())
	}
	fmt.Printf("| %s | %.0f µs | %.0f µs |\n", k.name, median(took), percentile(took, 0.99))
	return nil
}

// measureBatches appends batches of 100 events to a store in memory.
func measureBatches(ctx context.Context, f flags) error {
	batch := make([]fact.Event, 100)
	for i := range batch {
		batch[i] = fact.Event{Type: "message", Data: message}
	}
	var rates, perCPU []float64
	for range f.rounds {
		const events = 1_000_000
		s := fact.NewMemoryStore()
		begin, cpu := time.Now(), ownCPU()
		for range events / len(batch) {
			if err := s.Append(ctx, "chat-1", batch); err != nil {
				return err
			}
		}
		rates = append(rates, events/time.Since(begin).Seconds())
		perCPU = append(perCPU, events/(ownCPU()-cpu).Seconds())
	}
	fmt.Printf("### Batches of 100 in memory\n\n%.2f million events/s, and %.2f million for each second of CPU time, the medians of %d rounds of a million.\n\n",
		median(rates)/1e6, median(perCPU)/1e6, f.rounds)
	return nil
}
