// Factload loads JSONL files of facts into ClickHouse, and asks questions about
// them. `factload help` lists the commands; README.md shows them at work.
//
// This package is flags, configuration, progress and exit codes. What the
// commands do lives in the packages that a Go program can import.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
)

func main() { os.Exit(realMain()) }

// realMain runs the command line and returns the exit code. The first
// interrupt cancels the work in good order; the second one kills.
func realMain() int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	return run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}

// streams are the three standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run executes one command line. What went wrong is printed on the error
// stream, in one place, here.
func run(ctx context.Context, args []string, std streams) int {
	a := &app{streams: std, log: slog.New(slog.DiscardHandler)}
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if i := (*interruption)(nil); errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &i) {
		i.advice = adviceOf[cmd.Name()]
		a.log.Debug("interrupted", "error", err)
		err = i
	}
	if err != nil {
		printError(std.err, err)
	}
	return exitCode(err)
}
