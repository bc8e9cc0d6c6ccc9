package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Markdown is a table whose columns are aligned in the source too.
type Markdown struct {
	w   *tabwriter.Writer
	out io.Writer
}

// NewMarkdown begins a table. All columns but the first hold numbers.
func NewMarkdown(out io.Writer, titles ...string) Markdown {
	m := Markdown{tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.Debug), out}
	m.Row(titles...)
	rule := make([]string, len(titles))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	m.Row(rule...)
	return m
}

// Row adds a row.
func (m Markdown) Row(cells ...string) { fmt.Fprintf(m.w, "| %s |\n", strings.Join(cells, "\t ")) }

// Flush ends the table. It is written to the screen or a file of the user.
func (m Markdown) Flush() {
	_ = m.w.Flush()
	fmt.Fprintln(m.out)
}
