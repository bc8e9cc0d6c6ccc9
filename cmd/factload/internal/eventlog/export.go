package eventlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/fact"
)

// exportFlags says which events are exported, and where to.
type exportFlags struct {
	store, out             string
	category               string
	streams, types         []string
	since, until           string
	sinceTime, beforeTime  time.Time
	streamsByName, byTypes map[string]bool
}

// NewExport makes the command export.
func NewExport(a *cli.App) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export --store STORE",
		Short: "Write the events of a log as JSONL",
		Long: `Write the events of a log, one JSON object a line, in the order of the log. The
output is what import, load and replay read. What is exported, imported into an empty
log and exported again is the same byte for byte.

The log may be in use meanwhile.`,
		Example: `  factload export --store sqlite:log.db --out events.jsonl
  factload export --store sqlite:log.db --type message --since 2026-01-01T00:00:00Z > corpus.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runExport(cmd.Context(), a, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.store, "store", "", storeHelp)
	flags.StringVar(&f.out, "out", "-", "new file to write; - is the standard output")
	flags.StringVar(&f.category, "category", "", "only streams whose names have this before the first hyphen")
	flags.StringArrayVar(&f.streams, "stream", nil, "only this stream (may be given again)")
	flags.StringArrayVar(&f.types, "type", nil, "only events of this type, such as a schema's name; repeatable")
	flags.StringVar(&f.since, "since", "", "only events that occurred at this time (RFC 3339) or later")
	flags.StringVar(&f.until, "until", "", "only events that occurred before this time")
	return cmd
}

// prepare checks the flags.
func (f *exportFlags) prepare() error {
	set := func(names []string) map[string]bool {
		m := make(map[string]bool, len(names))
		for _, name := range names {
			m[name] = true
		}
		return m
	}
	f.streamsByName, f.byTypes = set(f.streams), set(f.types)
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"--since", f.since, &f.sinceTime}, {"--until", f.until, &f.beforeTime}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return cli.UsageError(fmt.Errorf("%s %q: want a time as 2026-01-02T15:04:05Z", t.flag, t.text))
		}
	}
	return nil
}

// wants reports whether the event is to be exported.
func (f *exportFlags) wants(e *fact.Event) bool {
	return (len(f.streamsByName) == 0 || f.streamsByName[e.Stream]) &&
		(len(f.byTypes) == 0 || f.byTypes[e.Type]) &&
		(f.sinceTime.IsZero() || !e.OccurredAt.Before(f.sinceTime)) &&
		(f.beforeTime.IsZero() || e.OccurredAt.Before(f.beforeTime))
}

func runExport(ctx context.Context, a *cli.App, f exportFlags) (err error) {
	if err := f.prepare(); err != nil {
		return err
	}
	store, err := openStore(ctx, f.store, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
	out := a.Out
	if f.out != "-" {
		file, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		n, err := exportEvents(ctx, store, &f, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return errors.Join(err, os.Remove(f.out))
		}
		_, err = fmt.Fprintf(a.Notes(), "%s events: %s\n", show.Thousands(n), f.out)
		return err
	}
	_, err = exportEvents(ctx, store, &f, out)
	return err
}

func exportEvents(ctx context.Context, store fact.LogReader, f *exportFlags, to io.Writer) (n int64, err error) {
	w := bufio.NewWriterSize(to, 1<<16)
	var line []byte
	for e, err := range store.ReadLog(ctx, f.category, 0) {
		if err != nil {
			return n, err
		}
		if !f.wants(&e.Event) {
			continue
		}
		if line, err = fact.AppendEventLine(line[:0], e.Event); err != nil {
			return n, err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return n, err
		}
		n++
	}
	return n, w.Flush()
}
