// Command load compares ways of loading the same JSON lines into the same
// ClickHouse: factload, the engine's own ways, and what Go programs usually do.
//
//	go run ./internal/bench/load -rows 1000000 -rounds 3
//
// It writes its data once, starts one embedded engine, and runs the ways in
// turn, round after round, each in a process of its own and into a fresh table.
// After each run the rows are counted and their checksum is compared. A table
// in Markdown goes to standard output, progress to standard error. See
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
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/factload/factload/internal/bench"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(childMain())
	}
	if err := start(); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-load:", err)
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
	rows, rounds int
	shapes       []shape
	ways         []way
	dir          string
	command      string
	flags        []string
	server       bool
	profile      string
	log          io.Writer
}

func parse(args []string, log io.Writer) (options, error) {
	flags := flag.NewFlagSet("bench-load", flag.ContinueOnError)
	flags.SetOutput(log)
	o := options{log: log}
	flags.IntVar(&o.rows, "rows", 1_000_000, "rows of the chat shape; the others get as many as make about as many bytes")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each way is run")
	shapeNames := flags.String("shapes", nameList(allShapes()), "shapes to load")
	wayNames := flags.String("ways", nameList(allWays()), "ways to compare")
	flags.StringVar(&o.dir, "dir", filepath.Join(".factload", "bench"), "where the generated data is kept for the next run")
	flags.StringVar(&o.command, "command", filepath.Join("bin", "factload"), "the factload that the way \"command\" runs")
	loadFlags := flags.String("flags", "", "further flags of factload load for the way \"command\", separated by spaces")
	flags.BoolVar(&o.server, "server", false, "add a table with what the server did")
	flags.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of the last run of the first way to this file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.rows < 1 || o.rounds < 1 {
		return o, errors.New("-rows and -rounds are at least 1")
	}
	o.flags = strings.Fields(*loadFlags)
	var err error
	if o.shapes, err = pick(allShapes(), *shapeNames); err != nil {
		return o, err
	}
	o.ways, err = pick(allWays(), *wayNames)
	return o, err
}

// named is a shape or a way.
type named interface{ called() string }

func nameList[T named](all []T) string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].called()
	}
	return strings.Join(names, ",")
}

// pick returns those of all that the list names, in the order of all.
func pick[T named](all []T, list string) ([]T, error) {
	wanted := make(map[string]bool)
	for name := range strings.SplitSeq(list, ",") {
		wanted[strings.TrimSpace(name)] = true
	}
	var out []T
	for _, x := range all {
		if wanted[x.called()] {
			out = append(out, x)
			delete(wanted, x.called())
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("unknown name %q: known are %s", name, strings.ReplaceAll(nameList(all), ",", ", "))
	}
	return out, nil
}

// run runs everything and writes the tables to out.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parse(args, log)
	if err != nil {
		return err
	}
	o.ways = slices.DeleteFunc(o.ways, func(w way) bool {
		missing := w.name == "duckdb" && !hasDuckDB(ctx, o)
		if missing {
			fmt.Fprintf(log, "%s is left out: npm install --prefix %s %s makes it one of the ways\n", w.name, o.dir, duckDBModule)
		}
		return missing
	})
	server, err := bench.StartEngine(ctx, "")
	if err != nil {
		return err
	}
	defer server.Stop()
	e := &engine{Engine: server}
	if err := bench.WriteHeader(ctx, out, server, "bench-load", args); err != nil {
		return err
	}
	for _, s := range o.shapes {
		d, err := prepare(ctx, o, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results, err := compare(ctx, o, e, d)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		writeTable(out, d, results)
		if o.server {
			writeServerTable(out, results)
		}
	}
	return nil
}
