// Command record compares ways of storing facts one at a time from many
// goroutines, and a thousand at a time from one: factload's Record, and
// clickhouse-go with async_insert, with an insert for each call, and with typed
// columns.
//
//	go run ./internal/bench/record -duration 5s -rounds 3
//
// It starts one embedded engine and runs the ways in turn, round after round,
// each into a fresh table, and checks that the table has what was acknowledged.
// Tables in Markdown go to standard output, progress to standard error. See
// docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/factload/factload/internal/bench"
	"github.com/factload/factload/schemas"
)

func main() {
	if err := start(); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-record:", err)
		os.Exit(1)
	}
}

func start() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// options are the flags.
type options struct {
	duration   time.Duration
	rounds     int
	goroutines []int
	long       time.Duration
	dsn        string
	log        io.Writer
}

func parse(args []string, log io.Writer) (options, error) {
	flags := flag.NewFlagSet("bench-record", flag.ContinueOnError)
	flags.SetOutput(log)
	o := options{log: log}
	flags.DurationVar(&o.duration, "duration", 4*time.Second, "how long each way records in each round")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each way is run; the tables have the medians")
	counts := flags.String("goroutines", "1,64,1024", "numbers of goroutines")
	flags.DurationVar(&o.long, "long", 0, "instead of comparing, record from 64 goroutines for so long and show the active parts over time")
	flags.StringVar(&o.dsn, "dsn", "", "take this server (clickhouse://...) instead of an embedded engine; CPU is not measured then")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.duration <= 0 || o.long < 0 {
		return o, errors.New("-rounds and -duration are positive, and -long is not negative")
	}
	for text := range strings.SplitSeq(*counts, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return o, fmt.Errorf("-goroutines: %q is not a number of goroutines", text)
		}
		o.goroutines = append(o.goroutines, n)
	}
	return o, nil
}

// run runs everything and writes the tables to out.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parse(args, log)
	if err != nil {
		return err
	}
	schema, err := schemas.FromStruct(message{}, schemas.StructOptions{Name: table, OrderBy: []string{"conversation_id", "created_at"}})
	if err != nil {
		return err
	}
	server, err := bench.StartEngine(ctx, o.dsn)
	if err != nil {
		return err
	}
	defer server.Stop()
	e := &engine{Engine: server, schema: schema}
	if err := bench.WriteHeader(ctx, out, server, "bench-record", args); err != nil {
		return err
	}
	if o.long > 0 {
		return runLong(ctx, o, e, out)
	}
	if err := compareSmall(ctx, o, e, out); err != nil {
		return err
	}
	if err := compareLarge(ctx, o, e, out); err != nil {
		return err
	}
	return countAllocations(ctx, e, out)
}

// compareSmall compares calls of one fact.
func compareSmall(ctx context.Context, o options, e *engine, out io.Writer) error {
	for _, goroutines := range o.goroutines {
		cells := make([][]cell, len(ways()))
		for round := range o.rounds {
			for i, w := range ways() {
				fmt.Fprintf(o.log, "%d goroutines, round %d: %s\n", goroutines, round+1, w.name)
				c, err := measure(ctx, e, w, goroutines, o.duration)
				if err != nil {
					return err
				}
				cells[i] = append(cells[i], c)
			}
		}
		writeSmall(out, goroutines, cells)
	}
	return nil
}

// compareLarge compares calls of a thousand facts.
func compareLarge(ctx context.Context, o options, e *engine, out io.Writer) error {
	speeds := make([][]float64, len(larges()))
	for round := range o.rounds {
		for i, l := range larges() {
			fmt.Fprintf(o.log, "%d facts a call, round %d: %s\n", callFacts, round+1, l.name)
			speed, err := measureLarge(ctx, e, l, o.duration)
			if err != nil {
				return err
			}
			speeds[i] = append(speeds[i], speed)
		}
	}
	writeLarge(out, speeds)
	return nil
}

func countAllocations(ctx context.Context, e *engine, out io.Writer) error {
	maps, structs, err := allocations(ctx, e)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Checking and encoding a fact of %d fields (`Prepare`, %d facts a call) takes %.2f allocations as a map and %.2f as a struct.\n",
		len(e.schema.Fields), callFacts, maps, structs)
	return nil
}

// runLong records for a long time, without a log that would grow, and shows how
// many parts are active.
func runLong(ctx context.Context, o options, e *engine, out io.Writer) error {
	const goroutines = 64
	p, err := e.fresh(ctx)
	if err != nil {
		return err
	}
	r, err := openPipeline(ctx, e, p, (*message).asStruct)
	if err != nil {
		return err
	}
	seen := &samples{began: time.Now(), every: max(o.long/20, time.Second)}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	most := make(chan uint64, 1)
	go func() { most <- e.watch(watching, p, seen.add) }()
	before, err := e.counters(ctx)
	if err != nil {
		return err
	}
	latencies, err := hammer(ctx, r, goroutines, o.long)
	if err != nil {
		return err
	}
	after, err := e.counters(ctx)
	if err != nil {
		return err
	}
	stop()
	fmt.Fprintf(out, "%d goroutines, `Record` of one fact each, %s: %.0f facts/s, %.0f inserts/s, at most %d active parts, %.2f server cores.\n\n",
		goroutines, o.long, float64(len(latencies))/o.long.Seconds(), float64(after.parts-before.parts)/o.long.Seconds(), <-most,
		(after.cpu-before.cpu).Seconds()/o.long.Seconds())
	seen.write(out)
	return errors.Join(r.close(ctx), e.drop(ctx, p))
}

// samples is the most active parts of each interval.
type samples struct {
	began time.Time
	every time.Duration
	most  []uint64
}

func (s *samples) add(parts uint64) {
	i := int(time.Since(s.began) / s.every)
	for len(s.most) <= i {
		s.most = append(s.most, 0)
	}
	s.most[i] = max(s.most[i], parts)
}

func (s *samples) write(out io.Writer) {
	m := bench.NewMarkdown(out, "after", "active parts, at most")
	for i, parts := range s.most {
		m.Row((time.Duration(i+1) * s.every).Round(time.Second).String(), fmt.Sprint(parts))
	}
	m.Flush()
}
