package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// writeHeader says what was measured on what.
func writeHeader(ctx context.Context, out io.Writer, e *engine, args []string) error {
	version, err := e.version(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Machine: %s, %d cores. %s/%s, %s, ClickHouse %s, factload %s.\n\n",
		processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), version, revision(ctx))
	text := ""
	if len(args) > 0 {
		text = " ARGS='" + strings.Join(args, " ") + "'"
	}
	fmt.Fprintf(out, "Command: `make bench-record%s`\n\n", text)
	return nil
}

// processor returns the name of the processor.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // not everywhere
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// revision names the commit that is measured.
func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "of an unknown commit"
	}
	return strings.TrimSpace(string(out))
}

// writeSmall writes the medians for a number of goroutines. Ratios are to the
// first way.
func writeSmall(out io.Writer, goroutines int, cells [][]cell) {
	noun := "goroutines"
	if goroutines == 1 {
		noun = "goroutine"
	}
	fmt.Fprintf(out, "### Record of one fact, %d %s\n\n", goroutines, noun)
	m := newMarkdown(out, "way", "facts/s", "times", "p50", "p99", "inserts/s", "active parts, at most", "server cores")
	first := median(cells[0])
	for i, w := range ways() {
		c := median(cells[i])
		m.row(w.name, fmt.Sprintf("%.0f", c.facts), ratio(c.facts, first.facts), milliseconds(c.p50), milliseconds(c.p99),
			fmt.Sprintf("%.0f", c.inserts), fmt.Sprint(c.parts), fmt.Sprintf("%.2f", c.serverCPU))
	}
	m.flush()
}

// writeLarge writes the medians for calls of many facts.
func writeLarge(out io.Writer, speeds [][]float64) {
	fmt.Fprintf(out, "### Calls of %d facts, one goroutine\n\n", callFacts)
	m := newMarkdown(out, "way", "facts/s", "times")
	for i := range speeds {
		slices.Sort(speeds[i])
	}
	middle := func(i int) float64 { return speeds[i][len(speeds[i])/2] }
	for i, l := range larges() {
		m.row(l.name, fmt.Sprintf("%.0f", middle(i)), ratio(middle(i), middle(0)))
	}
	m.flush()
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", a/b)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// markdown writes a table.
type markdown struct{ w *tabwriter.Writer }

func newMarkdown(out io.Writer, titles ...string) markdown {
	m := markdown{tabwriter.NewWriter(out, 0, 0, 0, ' ', 0)}
	m.row(titles...)
	rules := make([]string, len(titles))
	for i := range rules {
		rules[i] = "---:"
	}
	rules[0] = "---"
	m.row(rules...)
	return m
}

func (m markdown) row(cells ...string) { fmt.Fprintf(m.w, "| %s |\n", strings.Join(cells, "\t | ")) }

// flush ends the table. It is written to the screen or a file of the user.
func (m markdown) flush() {
	_ = m.w.Flush()
	fmt.Fprintln(m.w)
	_ = m.w.Flush()
}
