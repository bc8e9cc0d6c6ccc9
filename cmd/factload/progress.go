package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse/bulk"
)

// logEvery is the time between two log lines where there is no terminal.
const logEvery = 10 * time.Second

const barWidth = 24

// progress shows how far a load has come: as a line that is written over on a
// terminal, and as a log line every ten seconds elsewhere. It is not safe for
// concurrent use; bulk.Load calls it from one goroutine at a time.
type progress struct {
	w        io.Writer
	log      *slog.Logger
	terminal bool
	shown    int           // width of the line on the terminal
	logged   time.Duration // when the last log line was written
}

func newProgress(w io.Writer, log *slog.Logger, terminal bool) *progress {
	return &progress{w: w, log: log, terminal: terminal}
}

// show is the callback of bulk.Load.
func (p *progress) show(now bulk.Progress) {
	if p.terminal {
		p.redraw(progressLine(now))
		return
	}
	if now.Done || now.Elapsed-p.logged < logEvery {
		return
	}
	p.logged = now.Elapsed
	p.log.Info("loading", "file", now.File, "files", fmt.Sprintf("%d/%d", now.Index, now.Files),
		"rows", now.Rows, "rejected", now.Rejected, "skipped", now.SkippedRows,
		"read", units.BytesSize(float64(now.Read)), "total", totalText(now), "left", leftText(now))
}

// clear takes the line away, so that what is printed next stands alone.
func (p *progress) clear() {
	if p.terminal && p.shown > 0 {
		p.redraw("")
		fmt.Fprint(p.w, "\r")
	}
}

func (p *progress) redraw(line string) {
	width := len([]rune(line))
	fmt.Fprint(p.w, "\r", line, strings.Repeat(" ", max(0, p.shown-width)))
	p.shown = width
}

// progressLine is one line of at most some 100 columns.
func progressLine(now bulk.Progress) string {
	var b strings.Builder
	if now.Total > 0 {
		done := int(min(now.Read, now.Total) * barWidth / now.Total)
		fmt.Fprintf(&b, "[%s%s] %3d%%  ", strings.Repeat("#", done), strings.Repeat(".", barWidth-done), min(now.Read, now.Total)*100/now.Total)
	}
	fmt.Fprintf(&b, "%s  %s rows", units.BytesSize(float64(now.Read)), thousands(now.Rows))
	if s := now.Elapsed.Seconds(); s > 0 {
		fmt.Fprintf(&b, "  %s rows/s", thousands(int64(float64(now.Rows)/s)))
	}
	if now.SkippedRows > 0 {
		fmt.Fprintf(&b, "  %s skipped", thousands(now.SkippedRows))
	}
	if now.Rejected > 0 {
		fmt.Fprintf(&b, "  %s rejected", thousands(now.Rejected))
	}
	if left := leftText(now); left != "" {
		fmt.Fprintf(&b, "  %s left", left)
	}
	if now.Files > 1 {
		fmt.Fprintf(&b, "  (file %d of %d)", now.Index, now.Files)
	}
	return b.String()
}

func totalText(now bulk.Progress) string {
	if now.Total == 0 {
		return "unknown"
	}
	return units.BytesSize(float64(now.Total))
}

// leftText guesses the time that is left from the bytes read so far.
func leftText(now bulk.Progress) string {
	if now.Total == 0 || now.Read == 0 || now.Read >= now.Total {
		return ""
	}
	left := time.Duration(float64(now.Elapsed) * float64(now.Total-now.Read) / float64(now.Read))
	return left.Round(time.Second).String()
}
