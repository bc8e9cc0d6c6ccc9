package query

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/factload/factload/answers/htmlreport"
)

// Lengths of a picture, in points of 1/72 inch. A PNG has 96 pixels an inch.
const (
	pictureWidth  = 640
	pictureHeight = 320 // of lines
	pictureBar    = 14
	pictureMargin = 12
	pictureText   = 10
	pictureName   = 28 // characters of a label at most
)

// pictureColors are those of the page, in light colours.
var pictureColors = []color.Color{
	color.RGBA{0x2a, 0x62, 0xc9, 255},
	color.RGBA{0xb3, 0x59, 0x00, 255},
	color.RGBA{0xc2, 0x32, 0x2f, 255},
	color.RGBA{0x0b, 0x7a, 0x6a, 255},
	color.RGBA{0x3a, 0x7a, 0x1e, 255},
	color.RGBA{0xb3, 0x29, 0x7a, 255},
	color.RGBA{0x74, 0x40, 0xb8, 255},
	color.RGBA{0x7a, 0x5c, 0x1e, 255},
}

// writePicture draws an answer in a format of gonum/plot: svg or png. Like the terminal it draws so many bars and lines and
// says how many more there are.
func writePicture(w io.Writer, answer htmlreport.Answer, format string) error {
	points, value := pointsOf(answer)
	if len(points) == 0 {
		return errors.New("the answer has no rows with values: there is nothing to draw")
	}
	p, legend := plot.New(), plot.NewLegend()
	p.Title.Text = answer.Chart.Title
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(valueTicks), plot.TickerFunc(valueTicks)
	var height vg.Length = pictureHeight
	var err error
	if answer.Chart.Mark == "line" {
		p.X.Label.Text, p.Y.Label.Text = answer.Columns[0].Name, value
		err = addLines(p, &legend, points, answer.Columns[0].Type == "day")
	} else {
		p.X.Label.Text = value
		height, err = addBars(p, &legend, points)
	}
	if err != nil {
		return err
	}
	for _, style := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &legend.TextStyle.Font,
	} {
		style.Variant, style.Size = "Sans", pictureText
	}
	p.Title.TextStyle.Font.Size, p.Title.Padding = 1.2*pictureText, pictureMargin
	return drawPicture(w, p, legend, height, format)
}

// drawPicture draws a plot with its legend to the right of it.
func drawPicture(w io.Writer, p *plot.Plot, legend plot.Legend, height vg.Length, format string) error {
	canvas, err := draw.NewFormattedCanvas(pictureWidth, height, format)
	if err != nil {
		return err
	}
	all := draw.New(canvas)
	all.SetColor(color.White)
	all.Fill(all.Rectangle.Path())
	legend.Top, legend.Left, legend.Padding = true, true, 2
	side := vg.Length(pictureMargin)
	if size := legend.Rectangle(all).Size(); size.Y > 0 {
		side += size.X + pictureMargin
		legend.Draw(draw.Crop(all, pictureWidth-side+pictureMargin, 0, 0, -3*pictureMargin))
	}
	p.Draw(draw.Crop(all, pictureMargin, -side, pictureMargin, -pictureMargin))
	_, err = canvas.WriteTo(w)
	return err
}

// groupsOf returns the names of the groups that are drawn, sorted, and how many are not.
func groupsOf(points []point) (names []string, hidden int) {
	for _, p := range points {
		names = append(names, p.group)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	shown := min(len(names), maxLines)
	return names[:shown], len(names) - shown
}

// addLines adds a line for each group.
func addLines(p *plot.Plot, legend *plot.Legend, points []point, times bool) error {
	names, hidden := groupsOf(points)
	for i, name := range names {
		var at plotter.XYs
		for _, point := range points {
			if point.group == name {
				at = append(at, plotter.XY{X: point.at, Y: point.value})
			}
		}
		slices.SortStableFunc(at, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		line, dots, err := plotter.NewLinePoints(at)
		if err != nil {
			return err
		}
		line.Color, line.Width, dots.Color, dots.Shape, dots.Radius = pictureColors[i], 1.5, pictureColors[i], draw.CircleGlyph{}, 2
		p.Add(line, dots)
		if len(names) > 1 {
			legend.Add(shortName(name), line, dots)
		}
	}
	if hidden > 0 {
		p.Title.Text += fmt.Sprintf(" (%d of %d lines)", len(names), len(names)+hidden)
	}
	p.Y.Min, p.Y.Max = min(0, p.Y.Min), max(0, p.Y.Max)
	if times {
		if p.X.Min == p.X.Max { // a single time has a day before and behind it
			p.X.Min, p.X.Max = p.X.Min-day, p.X.Max+day
		}
		p.X.Tick.Marker = plot.TickerFunc(timeTicks)
	}
	return nil
}

// addBars adds a bar for each label, of a part for each group, the first label on top, and returns the height they need.
func addBars(p *plot.Plot, legend *plot.Legend, points []point) (vg.Length, error) {
	var labels []string
	for _, p := range points {
		if !slices.Contains(labels, p.label) {
			labels = append(labels, p.label)
		}
	}
	if len(labels) > maxBars {
		p.Title.Text += fmt.Sprintf(" (%d of %d bars)", maxBars, len(labels))
		labels = labels[:maxBars]
	}
	slices.Reverse(labels) // the axis goes up
	names, hidden := groupsOf(points)
	if hidden > 0 {
		p.Title.Text += fmt.Sprintf(" (%d of %d parts)", len(names), len(names)+hidden)
	}
	var below *plotter.BarChart
	for i, name := range names {
		values := make(plotter.Values, len(labels))
		for _, p := range points {
			if at := slices.Index(labels, p.label); at >= 0 && p.group == name {
				values[at] += p.value
			}
		}
		bars, err := plotter.NewBarChart(values, pictureBar)
		if err != nil {
			return 0, err
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, pictureColors[i], 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		if len(names) > 1 {
			legend.Add(shortName(name), bars)
		}
	}
	for i, label := range labels {
		labels[i] = shortName(label)
	}
	p.NominalY(labels...)
	p.X.Min = min(0, p.X.Min)
	return vg.Length(max(len(labels), len(names))*pictureBar*3/2 + 100), nil
}

// shortName returns a label on one line.
func shortName(text string) string {
	return runewidth.Truncate(cmp.Or(strings.Join(strings.Fields(text), " "), "(empty)"), pictureName, "…")
}

// valueTicks returns round numbers between two.
func valueTicks(from, to float64) []plot.Tick {
	step := roundStep(to-from, 6)
	var ticks []plot.Tick
	for n := math.Ceil(from / step); n*step <= to; n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: valueText(n * step)})
	}
	return ticks
}

const day = 24 * 60 * 60 // in seconds

// timeTicks returns at most eight times, in seconds since 1970, between two.
func timeTicks(from, to float64) []plot.Tick {
	const hour = day / 24
	step := int64(1)
	for _, step = range []int64{1, 10, 60, 300, 900, hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day, 3640 * day, 36400 * day} {
		if to-from <= 7*float64(step) {
			break
		}
	}
	layout := time.DateOnly
	switch {
	case step < 60:
		layout = time.TimeOnly
	case step < day:
		layout = "01-02 15:04"
	}
	var ticks []plot.Tick
	for at := (int64(from) + step - 1) / step * step; float64(at) <= to; at += step {
		ticks = append(ticks, plot.Tick{Value: float64(at), Label: time.Unix(at, 0).UTC().Format(layout)})
	}
	return ticks
}
