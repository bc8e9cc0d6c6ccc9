package query

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"
	"github.com/mattn/go-runewidth"

	"github.com/factload/factload/answers/htmlreport"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// The size of a chart in a terminal. A terminal that is narrower has less.
const (
	chartWidth  = 100
	chartHeight = 15 // rows at most
	maxBars     = 40
	maxLines    = 8
)

// chartFiles are the endings of files that a chart is written to.
var chartFiles = []string{"html", "svg", "png"}

// drawChart asks one query and draws its answer, in the terminal, as a page or as a picture.
func drawChart(ctx context.Context, a *cli.App, sql string, f queryFlags) error {
	statements, _ := splitStatements(sql)
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(f.output)), ".")
	switch {
	case !slices.Contains(htmlreport.Marks(), f.chart):
		return cli.UsageError(fmt.Errorf("--chart %q: use %s", f.chart, strings.Join(htmlreport.Marks(), " or ")))
	case len(statements) != 1:
		return cli.UsageError(errors.New("--chart draws the answer of one statement"))
	case f.output != "" && !slices.Contains(chartFiles, format):
		return cli.UsageError(fmt.Errorf("--output %s: a chart is written to a file that ends in one of %s", f.output, strings.Join(chartFiles, ", ")))
	}
	return withAsker(ctx, a, f, func(ask *asker, ctx context.Context) error {
		r, err := htmlreport.OfQuery(ctx, ask.client, f.chart, statements[0], ask.params...)
		if err != nil {
			return ask.queryError(err, statements[0])
		}
		switch {
		case f.output == "":
			return writeChart(a.Out, r.Answers[0])
		case format == "html":
			return writeFile(f.output, r.WriteHTML)
		}
		return writeFile(f.output, func(w io.Writer) error { return writePicture(w, r.Answers[0], format) })
	})
}

// point is a value of an answer: where it is, and of which line or part.
type point struct {
	label, group string
	at, value    float64 // at is a number, or seconds since 1970
}

// writeChart draws an answer with the characters of a terminal.
func writeChart(w io.Writer, answer htmlreport.Answer) error {
	points, _ := pointsOf(answer)
	if len(points) == 0 {
		_, err := fmt.Fprintln(w, "no rows")
		return err
	}
	width := chartWidth
	if columns := show.Width(w); columns > 0 {
		width = min(width, columns)
	}
	fmt.Fprintln(w, answer.Chart.Title)
	if answer.Chart.Mark == "line" {
		return writeLines(w, points, answer.Columns[0].Type == "day", width, show.IsTerminal(w))
	}
	return writeBars(w, points, width)
}

// pointsOf reads the columns of a chart, and names the one of the values. Rows without a value are left out.
func pointsOf(answer htmlreport.Answer) (out []point, value string) {
	at, value, group := answer.Chart.X[0], answer.Chart.Y[0], answer.Chart.Color
	if answer.Chart.Mark == "bar" && answer.Columns[0].Name == value { // bars lie
		at, value = value, at
	}
	for _, row := range answer.Parts[0].Rows {
		var p point
		known := true
		for i, c := range answer.Columns {
			text := textOf(row[i])
			switch c.Name {
			case at:
				p.label = text
				p.at, known = position(text, c.Type)
				known = known || answer.Chart.Mark == "bar"
			case value:
				number, err := strconv.ParseFloat(text, 64)
				p.value, known = number, known && err == nil
			case group:
				p.group = text
			}
		}
		if known {
			out = append(out, p)
		}
	}
	return out, value
}

// textOf returns a JSON value as a person reads it.
func textOf(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return text
	}
	return string(value)
}

// position returns where on an axis a value is.
func position(text, kind string) (float64, bool) {
	if kind != "day" {
		number, err := strconv.ParseFloat(text, 64)
		return number, err == nil
	}
	for _, layout := range []string{time.DateOnly, time.DateTime} { // with or without fractions
		if at, err := time.Parse(layout, text); err == nil {
			return float64(at.UnixNano()) / 1e9, true
		}
	}
	return 0, false
}

// writeBars draws a bar for each point. A part of several has its name in the label.
func writeBars(w io.Writer, points []point, width int) error {
	const eighths = " ▏▎▍▌▋▊▉"
	shown := points[:min(maxBars, len(points))]
	most, labels, numbers := 0.0, 0, 0
	label := func(p point) string {
		text := p.label
		if p.group != "" {
			text += " · " + p.group
		}
		text = strings.Join(strings.Fields(show.Safe(text)), " ")
		return runewidth.Truncate(text, width/3, "…")
	}
	for _, p := range shown {
		most, labels, numbers = max(most, p.value), max(labels, runewidth.StringWidth(label(p))), max(numbers, len(valueText(p.value)))
	}
	room := float64(max(10, width-labels-numbers-2))
	var b strings.Builder
	for _, p := range shown {
		bar := ""
		if p.value > 0 {
			full, part := math.Modf(p.value / most * room)
			bar = strings.Repeat("█", int(full)) + strings.TrimSpace(string([]rune(eighths)[int(part*8)]))
		}
		fmt.Fprintf(&b, "%s %s %s\n", runewidth.FillRight(label(p), labels), bar, valueText(p.value))
	}
	if more := len(points) - len(shown); more > 0 {
		fmt.Fprintf(&b, "and %s more: ORDER BY and LIMIT choose what is drawn\n", show.Count(more, "row"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLines draws a line for each group.
func writeLines(w io.Writer, points []point, times bool, width int, colors bool) error {
	lines := map[string][]point{}
	from, to := points[0].at, points[0].at
	for _, p := range points {
		p.group = strings.Join(strings.Fields(show.Safe(p.group)), " ")
		lines[p.group] = append(lines[p.group], p)
		from, to = min(from, p.at), max(to, p.at)
	}
	var names []string
	for name := range lines {
		names = append(names, name)
	}
	slices.Sort(names)
	hidden := max(0, len(names)-maxLines)
	names = names[:len(names)-hidden]
	if from == to {
		return writeBars(w, points, width)
	}
	columns := max(20, width-12)
	var series [][]float64
	for _, name := range names {
		series = append(series, resample(lines[name], from, to, columns))
	}
	lower, upper, rows := bounds(points)
	layout := time.DateOnly
	if to-from < 3*24*60*60 {
		layout = "01-02 15:04"
	}
	options := []asciigraph.Option{
		asciigraph.Height(rows), asciigraph.LowerBound(lower), asciigraph.UpperBound(upper), asciigraph.XAxisRange(from, to), asciigraph.XAxisTickCount(max(2, min(5, columns/18))),
		asciigraph.YAxisValueFormatter(valueText),
		asciigraph.XAxisValueFormatter(func(at float64) string {
			if times {
				return time.Unix(int64(at), 0).UTC().Format(layout)
			}
			return valueText(at)
		}),
	}
	legend := ""
	switch {
	case len(names) > 1 && colors:
		options = append(options, asciigraph.SeriesLegends(names...), asciigraph.SeriesColors(
			asciigraph.Blue, asciigraph.Orange, asciigraph.Red, asciigraph.Green, asciigraph.Magenta, asciigraph.Cyan, asciigraph.Yellow, asciigraph.Gray))
	case len(names) > 1: // letters tell them apart
		var chars []asciigraph.CharSet
		for i, name := range names {
			letter := string(rune('a' + i))
			chars = append(chars, asciigraph.CreateCharSet(letter))
			legend += "  " + letter + " " + name
		}
		options = append(options, asciigraph.SeriesChars(chars...))
	}
	fmt.Fprintln(w, strings.TrimRight(asciigraph.PlotMany(series, options...), "\n"))
	if legend != "" {
		fmt.Fprintln(w, strings.TrimSpace(legend))
	}
	if hidden > 0 {
		fmt.Fprintf(w, "and %s more: WHERE chooses what is drawn\n", show.Count(hidden, "line"))
	}
	return nil
}

// bounds returns where the axis of values begins, at 0 or below, where it ends, and its number of rows, which are round
// numbers apart.
func bounds(points []point) (lower, upper float64, rows int) {
	for _, p := range points {
		lower, upper = min(lower, p.value), max(upper, p.value)
	}
	step := roundStep(upper-lower, chartHeight)
	lower, upper = math.Floor(lower/step)*step, math.Ceil(upper/step)*step
	return lower, upper, max(1, int(math.Round((upper-lower)/step)))
}

// roundStep returns a round number of which a span has so many at most.
func roundStep(span, most float64) float64 {
	least := max(span, 1e-9) / most
	unit := math.Pow(10, math.Floor(math.Log10(least)))
	step := 10 * unit
	for _, round := range []float64{5, 2.5, 2, 1} {
		if round*unit >= least {
			step = round * unit
		}
	}
	return step
}

// resample returns the values of a line at so many positions, on straight lines between its points, and NaN outside them.
func resample(points []point, from, to float64, columns int) []float64 {
	points = slices.SortedStableFunc(slices.Values(points), func(a, b point) int {
		return cmp.Compare(a.at, b.at)
	})
	out := make([]float64, columns)
	for i := range out {
		at := from + (to-from)*float64(i)/float64(columns-1)
		after, found := slices.BinarySearchFunc(points, at, func(p point, at float64) int { return cmp.Compare(p.at, at) })
		switch {
		case found:
			out[i] = points[after].value
		case after == 0, after == len(points):
			out[i] = math.NaN()
		default:
			p, q := points[after-1], points[after]
			out[i] = p.value + (q.value-p.value)*(at-p.at)/(q.at-p.at)
		}
	}
	return out
}

// valueText writes a number with as many digits as a chart has room for.
func valueText(x float64) string {
	if math.Abs(x) >= 1e5 && math.Abs(x) < 1e15 {
		return show.Thousands(int64(x))
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
