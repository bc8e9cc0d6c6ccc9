package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/docker/go-units"
)

// writeHeader says what was measured on what.
func writeHeader(ctx context.Context, out io.Writer, e *engine, args []string) error {
	var version []struct {
		V string `ch:"v"`
	}
	if err := e.client.Select(ctx, &version, "SELECT version() AS v"); err != nil {
		return err
	}
	fmt.Fprintf(out, "Machine: %s, %d cores, %s. %s/%s, %s, ClickHouse %s, factload %s.\n\n",
		firstField("/proc/cpuinfo", "model name"), runtime.NumCPU(), memory(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), version[0].V, revision(ctx))
	fmt.Fprintf(out, "Command: `make bench-load%s`\n\n", argsText(args))
	return nil
}

func argsText(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return " ARGS='" + strings.Join(args, " ") + "'"
}

// firstField returns the value of the first line "name : value" of a file.
func firstField(path, name string) string {
	text, _ := os.ReadFile(path) // not everywhere
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() string {
	var kb int64
	if _, err := fmt.Sscanf(firstField("/proc/meminfo", "MemTotal"), "%d kB", &kb); err != nil {
		return "unknown memory"
	}
	return units.BytesSize(float64(kb << 10))
}

// revision names the commit that is measured.
func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "of an unknown commit"
	}
	return strings.TrimSpace(string(out))
}

// writeTable writes the medians of a shape. Ratios are to the way that comes
// first, which is factload.
func writeTable(out io.Writer, d data, results []result) {
	fmt.Fprintf(out, "### %s: %s\n\n", d.name, d.about)
	fmt.Fprintf(out, "%s rows, %s, %d columns. Medians of %d rounds.\n\n",
		thousands(d.rows), units.BytesSize(float64(d.bytes)), len(d.def.Schema.Fields), len(results[0].runs))
	w := newMarkdown(out, "way", "seconds", "(from – to)", "times", "MB/s", "client CPU s/GB", "server CPU s", "peak memory")
	base := results[0].median(func(m measured) float64 { return m.seconds })
	for i := range results {
		r := &results[i]
		seconds := r.median(func(m measured) float64 { return m.seconds })
		low, high := r.span()
		w.row(r.way.title,
			fmt.Sprintf("%.2f", seconds),
			fmt.Sprintf("%.2f – %.2f", low, high),
			fmt.Sprintf("%.2f", seconds/base),
			fmt.Sprintf("%.0f", float64(d.bytes)/1e6/seconds),
			fmt.Sprintf("%.2f", r.median(func(m measured) float64 { return m.cpu.Seconds() })/(float64(d.bytes)/1e9)),
			fmt.Sprintf("%.2f", r.median(func(m measured) float64 { return m.server.cpu.Seconds() })),
			fmt.Sprintf("%.0f MB", r.median(func(m measured) float64 { return float64(m.rss) / 1e6 })))
	}
	w.flush()
	fmt.Fprintln(out)
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
	w := newMarkdown(out, titles...)
	for i := range results {
		r := &results[i]
		cells := []string{r.way.title}
		for _, x := range serverEvents {
			value := r.median(func(m measured) float64 { return float64(m.server.events[x.event]) })
			cells = append(cells, fmt.Sprintf(x.format, value/x.scale))
		}
		w.row(cells...)
	}
	w.flush()
	fmt.Fprintln(out)
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

// markdown is a table whose columns are aligned in the source too.
type markdown struct{ w *tabwriter.Writer }

func newMarkdown(out io.Writer, titles ...string) markdown {
	m := markdown{tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.Debug)}
	m.row(titles...)
	rule := make([]string, len(titles))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	m.row(rule...)
	return m
}

func (m markdown) row(cells ...string) { fmt.Fprintf(m.w, "| %s |\n", strings.Join(cells, "\t ")) }
func (m markdown) flush()              { _ = m.w.Flush() } // writing to the screen or a file of the user

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
