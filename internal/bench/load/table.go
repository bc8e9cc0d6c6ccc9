package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/docker/go-units"

	"github.com/factload/factload/internal/bench"
)

// writeTable writes the medians of a shape. Ratios are to the way that comes
// first, which is factload.
func writeTable(out io.Writer, d data, results []result) {
	fmt.Fprintf(out, "### %s: %s\n\n", d.name, d.about)
	fmt.Fprintf(out, "%s rows, %s, %d columns. Medians of %d rounds.\n\n",
		thousands(d.rows), units.BytesSize(float64(d.bytes)), len(d.def.Schema.Fields), len(results[0].runs))
	w := bench.NewMarkdown(out, "way", "seconds", "(from – to)", "times", "MB/s", "client CPU s/GB", "server CPU s", "peak memory")
	base := results[0].median(func(m measured) float64 { return m.seconds })
	for i := range results {
		r := &results[i]
		seconds := r.median(func(m measured) float64 { return m.seconds })
		low, high := r.span()
		w.Row(r.way.title,
			fmt.Sprintf("%.2f", seconds),
			fmt.Sprintf("%.2f – %.2f", low, high),
			fmt.Sprintf("%.2f", seconds/base),
			fmt.Sprintf("%.0f", float64(d.bytes)/1e6/seconds),
			fmt.Sprintf("%.2f", r.median(func(m measured) float64 { return m.cpu.Seconds() })/(float64(d.bytes)/1e9)),
			fmt.Sprintf("%.2f", r.median(func(m measured) float64 { return m.server.cpu.Seconds() })),
			fmt.Sprintf("%.0f MB", r.median(func(m measured) float64 { return float64(m.rss) / 1e6 })))
	}
	w.Flush()
}

// serverEvents are the counters of the engine that tell where its time goes.
var serverEvents = []struct {
	title, event string
	scale        float64
	format       string
}{
	{"inserts", "InsertQuery", 1, "%.0f"},
	{"parts", "MergeTreeDataWriterBlocks", 1, "%.0f"},
	{"sorting s", "MergeTreeDataWriterSortingBlocksMicroseconds", 1e6, "%.2f"},
	{"indexes s", "MergeTreeDataWriterSkipIndicesCalculationMicroseconds", 1e6, "%.2f"},
	{"statistics s", "MergeTreeDataWriterStatisticsCalculationMicroseconds", 1e6, "%.2f"},
	{"merges", "Merge", 1, "%.0f"},
	{"merging s", "MergeTotalMilliseconds", 1e3, "%.2f"},
	{"user s", "UserTimeMicroseconds", 1e6, "%.2f"},
	{"system s", "SystemTimeMicroseconds", 1e6, "%.2f"},
	{"page faults", "SoftPageFaults", 1, "%.0f"},
}

// writeServerTable writes what the server did, by its own counters.
func writeServerTable(out io.Writer, results []result) {
	fmt.Fprintf(out, "What the server did, by its own counters (medians):\n\n")
	titles := []string{"way"}
	for _, x := range serverEvents {
		titles = append(titles, x.title)
	}
	w := bench.NewMarkdown(out, titles...)
	for i := range results {
		r := &results[i]
		cells := []string{r.way.title}
		for _, x := range serverEvents {
			value := r.median(func(m measured) float64 { return float64(m.server.events[x.event]) })
			cells = append(cells, fmt.Sprintf(x.format, value/x.scale))
		}
		w.Row(cells...)
	}
	w.Flush()
}

// median returns the median of what value says of each run.
func (r *result) median(value func(measured) float64) float64 {
	all := make([]float64, len(r.runs))
	for i := range r.runs {
		all[i] = value(r.runs[i])
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// span returns the shortest and the longest run.
func (r *result) span() (low, high float64) {
	by := func(a, b measured) int { return cmp.Compare(a.seconds, b.seconds) }
	return slices.MinFunc(r.runs, by).seconds, slices.MaxFunc(r.runs, by).seconds
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
