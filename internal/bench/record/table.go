package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/factload/factload/internal/bench"
)

// writeSmall writes the medians for a number of goroutines. Ratios are to the
// first way.
func writeSmall(out io.Writer, goroutines int, cells [][]cell) {
	noun := "goroutines"
	if goroutines == 1 {
		noun = "goroutine"
	}
	fmt.Fprintf(out, "### Record of one fact, %d %s\n\n", goroutines, noun)
	m := bench.NewMarkdown(out, "way", "facts/s", "times", "p50", "p99", "inserts/s", "active parts, at most", "server cores")
	first := median(cells[0])
	for i, w := range ways() {
		c := median(cells[i])
		m.Row(w.name, fmt.Sprintf("%.0f", c.facts), ratio(c.facts, first.facts), milliseconds(c.p50), milliseconds(c.p99),
			fmt.Sprintf("%.0f", c.inserts), fmt.Sprint(c.parts), fmt.Sprintf("%.2f", c.serverCPU))
	}
	m.Flush()
}

// writeLarge writes the medians for calls of many facts.
func writeLarge(out io.Writer, speeds [][]float64) {
	fmt.Fprintf(out, "### Calls of %d facts, one goroutine\n\n", callFacts)
	m := bench.NewMarkdown(out, "way", "facts/s", "times")
	for i := range speeds {
		slices.Sort(speeds[i])
	}
	middle := func(i int) float64 { return speeds[i][len(speeds[i])/2] }
	for i, l := range larges() {
		m.Row(l.name, fmt.Sprintf("%.0f", middle(i)), ratio(middle(i), middle(0)))
	}
	m.Flush()
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
