// Command log compares event stores: appends by many writers, the end of a long stream,
// batches in memory, and a replay with a load of the same rows. It prints Markdown.
//
// PostgreSQL is measured if its programs are installed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
)

type flags struct {
	seconds       float64
	rounds        int
	stream, rows  int
	only, writers string
	profile       string
}

func main() {
	var f flags
	flag.Float64Var(&f.seconds, "seconds", 1, "time of one measurement of appends")
	flag.IntVar(&f.rounds, "rounds", 3, "rounds, in which the stores take turns")
	flag.IntVar(&f.stream, "stream", 1_000_000, "events of the long stream")
	flag.IntVar(&f.rows, "rows", 1_000_000, "rows of the replay")
	flag.StringVar(&f.writers, "writers", "1,16,64,256", "writers at a time")
	flag.StringVar(&f.only, "only", "append,end,batch,replay", "what to measure")
	flag.StringVar(&f.profile, "profile", "", "file for a CPU profile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	if f.profile != "" {
		file, err := os.Create(f.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	measures := map[string]func(context.Context, flags) error{
		"append": measureAppends, "end": measureEnd, "batch": measureBatches, "replay": measureReplay,
	}
	for _, what := range strings.Split(f.only, ",") {
		measure, ok := measures[what]
		if !ok {
			return fmt.Errorf("-only %q: want append, end, batch or replay", what)
		}
		if err := measure(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// median returns the middle one of the values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentile returns the value that the share of the values is not above.
func percentile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
