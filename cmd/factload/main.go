// Factload loads JSONL files of facts into ClickHouse, and asks questions about
// them. `factload help` lists the commands; README.md shows them at work.
//
// The commands are in the packages below internal, one file each; root.go lists them.
// They are flags, configuration, progress and exit codes. What they do lives in the
// packages that a Go program can import.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/factload/factload/cmd/factload/internal/cli"
)

func main() { os.Exit(realMain()) }

// realMain runs the command line and returns the exit code. The first
// interrupt cancels the work in good order; the second one kills.
func realMain() int {
	ctx, stop := cli.UntilSignal(context.Background())
	defer stop()
	return run(ctx, os.Args[1:], cli.NewApp(os.Stdin, os.Stdout, os.Stderr, versionText()))
}

// adviceOf says for each command how to go on after an interruption, where it
// has left something undone.
var adviceOf = map[string]string{
	"load":   "run the same load again to go on",
	"replay": "run it again to go on",
	"apply":  "run it again to go on",
	"move":   "run it again to go on",
}

// run executes one command line. What went wrong is printed on the error
// stream, in one place, here.
func run(ctx context.Context, args []string, a *cli.App) int {
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if i := (*cli.Interruption)(nil); errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &i) {
		i.Advice = adviceOf[cmd.Name()]
		a.Log.Debug("interrupted", "error", err)
		err = i
	}
	if err != nil {
		a.PrintError(err)
	}
	return cli.ExitCode(err)
}
