package load

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// progress shows how far a load has come: as a status line on a terminal, and as a log line
// every ten seconds elsewhere. It is not safe for concurrent use; bulk.Load calls it from one
// goroutine at a time.
type progress struct {
	line   *show.Line
	log    *slog.Logger
	logged time.Duration // when the last log line was written
}

// show is the callback of bulk.Load.
func (p *progress) show(now bulk.Progress) {
	if show.IsTerminal(p.line) {
		p.line.Set(progressLine(now, p.line.Width()))
		return
	}
	if now.Done || now.Elapsed-p.logged < show.LogEvery {
		return
	}
	p.logged = now.Elapsed
	p.log.Info("loading", "file", now.File, "files", fmt.Sprintf("%d/%d", now.Index, now.Files),
		"rows", now.Rows, "rejected", now.Rejected, "skipped", now.SkippedRows,
		"read", units.BytesSize(float64(now.Read)), "total", totalText(now), "left", leftText(now))
}

// progressLine is one line of at most width characters. What matters least goes
// first when it does not fit.
func progressLine(now bulk.Progress, width int) string {
	const wide, narrow = 24, 10
	line := ""
	for _, detail := range []struct {
		bar                    int
		file, total, rate, eta bool
	}{
		{bar: wide, file: true, total: true, rate: true, eta: true},
		{bar: narrow, file: true, total: true, rate: true, eta: true},
		{bar: narrow, total: true, rate: true, eta: true},
		{bar: narrow, rate: true, eta: true},
		{rate: true, eta: true},
		{eta: true},
		{},
	} {
		parts := []string{barText(now, detail.bar), readText(now, detail.total), rowsText(now)}
		if detail.rate {
			parts = append(parts, rateText(now))
		}
		parts = append(parts, noteText(now.SkippedRows, "skipped"), noteText(now.Rejected, "rejected"))
		if detail.eta {
			parts = append(parts, leftOnTerminal(now))
		}
		parts = append(parts, fileText(now, detail.file))
		line = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "  ")
		if utf8.RuneCountInString(line) <= width {
			return line
		}
	}
	return string([]rune(line)[:max(0, width)])
}

// barText is a bar of the given width and the percentage, if the end is known.
func barText(now bulk.Progress, width int) string {
	if now.Total <= 0 {
		return ""
	}
	read := min(now.Read, now.Total)
	percent := fmt.Sprintf("%3d%%", read*100/now.Total)
	if width == 0 {
		return percent
	}
	done := int(read * int64(width) / now.Total)
	return "[" + strings.Repeat("#", done) + strings.Repeat(".", width-done) + "] " + percent
}

func readText(now bulk.Progress, total bool) string {
	text := units.BytesSize(float64(now.Read))
	if total && now.Total > 0 {
		text += " of " + units.BytesSize(float64(now.Total))
	}
	return text
}

func rateText(now bulk.Progress) string {
	s := now.Elapsed.Seconds()
	if s <= 0 || now.Rows == 0 {
		return ""
	}
	return show.Thousands(int64(float64(now.Rows)/s)) + " rows/s"
}

// rowsText is empty until the first insert.
func rowsText(now bulk.Progress) string {
	if now.Rows == 0 {
		return ""
	}
	return show.Rows(now.Rows)
}

func noteText(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return show.Thousands(n) + " " + what
}

// leftOnTerminal is leftText, and says what happens when all has been read.
func leftOnTerminal(now bulk.Progress) string {
	switch left := leftText(now); {
	case left == "0s":
		return "1s left"
	case left != "":
		return left + " left"
	case now.Total > 0 && now.Read >= now.Total && !now.Done:
		return "all read, finishing"
	}
	return ""
}

// fileText says which of several files is being read.
func fileText(now bulk.Progress, name bool) string {
	if now.Files < 2 {
		return ""
	}
	text := fmt.Sprintf("file %d of %d", now.Index, now.Files)
	if name && now.File != "" {
		text += " " + show.Safe(filepath.Base(now.File))
	}
	return text
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
