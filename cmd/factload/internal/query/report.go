package query

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers/htmlreport"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// NewReport makes the command report.
func NewReport(a *cli.App) *cobra.Command {
	var out string
	var open bool
	cmd := &cobra.Command{
		Use:   "report [chat | eval | TABLE]",
		Short: "Write the shipped questions as one HTML page with charts",
		Long: `Ask the shipped questions about chats or evals, or a few about any table, and write
one HTML file: charts with error bars, the tables under them, the SQL of each. It can
be sent and looked at anywhere; the page asks nothing of any network. In it, a reader
chooses the time, the project and the model. Without an argument it has all questions
whose tables there are. docs/questions.md describes them.`,
		Example: `  factload report eval --open
  factload report chat --out chats.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			topic := ""
			if len(args) == 1 {
				topic = args[0]
			}
			return writeReport(cmd.Context(), a, topic, out, open)
		},
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().StringVar(&out, "out", "report.html", "`file` to write; - is standard output")
	cmd.Flags().BoolVar(&open, "open", false, "show it in the browser")
	return cmd
}

func writeReport(ctx context.Context, a *cli.App, topic, out string, open bool) (err error) {
	s, err := a.ConnectHTTP(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := htmlreport.Make(ctx, s.Client, topic)
	if err != nil {
		return err
	}
	if out == "-" {
		return r.WriteHTML(a.Out)
	}
	if err := writeFile(out, r.WriteHTML); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	fmt.Fprintf(a.Notes(), "%s: %s\n", out, show.Count(len(r.Answers), "question"))
	if open {
		return browse(ctx, out)
	}
	return nil
}

// writeFile writes a file that is either whole or not there.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := errors.Join(write(w), w.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// browse shows a file in the user's browser.
func browse(ctx context.Context, path string) error {
	name := map[string]string{"darwin": "open", "windows": "explorer"}[runtime.GOOS]
	if name == "" {
		name = "xdg-open"
	}
	if err := exec.CommandContext(ctx, name, path).Run(); err != nil { //nolint:gosec // the file that was just written
		return fmt.Errorf("the report is written, but %s does not show it: %w", name, err)
	}
	return nil
}
