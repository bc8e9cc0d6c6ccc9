package query

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/answers/htmlreport"
)

// bars is an answer of so many labels with two parts each.
func bars(labels int) htmlreport.Answer {
	a := htmlreport.Answer{
		Columns: []htmlreport.Column{{Name: "model", Type: "text"}, {Name: "kind", Type: "text"}, {Name: "n", Type: "number"}},
		Chart:   &answers.Chart{Mark: "bar", Title: "n by model", X: answers.Columns{"n"}, Y: answers.Columns{"model"}, Color: "kind"},
		Parts:   []htmlreport.Part{{}},
	}
	for i := range 2 * labels {
		label, _ := json.Marshal(fmt.Sprintf("<model> & %d", i/2))
		a.Parts[0].Rows = append(a.Parts[0].Rows, []json.RawMessage{label, json.RawMessage(fmt.Sprintf(`"kind %d"`, i%2)), json.RawMessage(fmt.Sprint(i))})
	}
	return a
}

// textsOf returns the texts of an SVG, which has to be XML.
func textsOf(t *testing.T, svg []byte) (texts []string) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "text" {
			var text string
			require.NoError(t, d.DecodeElement(&text, &start))
			texts = append(texts, text)
		}
	}
}

// All that is drawn is named, and what is left out is said.
func TestPictureOfBars(t *testing.T) {
	t.Parallel()
	var few, many, picture bytes.Buffer
	require.NoError(t, writePicture(&few, bars(3), "svg"))
	require.ElementsMatch(t, []string{
		"n by model", "n", "kind 0", "kind 1", "<model> & 0", "<model> & 1", "<model> & 2", "0", "2", "4", "6", "8",
	}, textsOf(t, few.Bytes()))
	require.NoError(t, writePicture(&many, bars(50), "svg"))
	require.Contains(t, textsOf(t, many.Bytes()), "n by model (40 of 50 bars)")

	require.NoError(t, writePicture(&picture, bars(3), "png"))
	image, err := png.Decode(&picture)
	require.NoError(t, err)
	colors := map[any]bool{}
	for x := range image.Bounds().Dx() {
		for y := range image.Bounds().Dy() {
			colors[image.At(x, y)] = true
		}
	}
	require.Contains(t, colors, pictureColors[0])
	require.Contains(t, colors, pictureColors[1])
}

// A line of one point is a point of its day.
func TestPictureOfOneDay(t *testing.T) {
	t.Parallel()
	a := htmlreport.Answer{
		Columns: []htmlreport.Column{{Name: "at", Type: "day"}, {Name: "n", Type: "number"}},
		Chart:   &answers.Chart{Mark: "line", Title: "n by at", X: answers.Columns{"at"}, Y: answers.Columns{"n"}},
		Parts:   []htmlreport.Part{{Rows: [][]json.RawMessage{{json.RawMessage(`"2026-01-01"`), json.RawMessage("-5")}}}},
	}
	var b bytes.Buffer
	require.NoError(t, writePicture(&b, a, "svg"))
	require.ElementsMatch(t, []string{"n by at", "at", "n", "12-31 00:00", "12-31 12:00", "01-01 00:00", "01-01 12:00", "01-02 00:00", "-5", "-4", "-3", "-2", "-1", "0"}, textsOf(t, b.Bytes()))
}

// Times are at round ones of UTC, whatever the span, and never too many for their labels.
func TestTimeTicks(t *testing.T) {
	t.Parallel()
	for span := 1.0; span < 4e9; span *= 1.7 {
		ticks := timeTicks(1_767_225_601, 1_767_225_601+span)
		require.LessOrEqual(t, len(ticks), 8, span)
	}
	ticks := timeTicks(1_767_225_600, 1_767_225_600+2*24*60*60)
	require.Equal(t, "01-01 00:00", ticks[0].Label)
	require.Equal(t, "01-03 00:00", ticks[len(ticks)-1].Label)
}
