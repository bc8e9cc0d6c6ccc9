package show

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Grid is a table of texts for people, drawn as ClickHouse's PrettyCompact
// does, so that all tables of factload look alike.
type Grid struct {
	Columns []Column
	rows    [][]string
}

// Column is a column of a Grid.
type Column struct {
	Name  string
	Right bool // numbers are aligned to the right
}

// Add appends a row with a text for each column.
func (g *Grid) Add(texts ...string) {
	for i, text := range texts {
		texts[i] = printable(text)
	}
	g.rows = append(g.rows, texts)
}

// Empty reports whether there are no rows.
func (g *Grid) Empty() bool { return len(g.rows) == 0 }

// printable escapes what would leave its cell, such as line ends.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// Write draws the table. On a terminal that is too narrow for it, each row is a list of names and texts.
func (g *Grid) Write(w io.Writer) error {
	if IsTerminal(w) {
		return g.write(w, Width(w))
	}
	return g.write(w, math.MaxInt)
}

func (g *Grid) write(w io.Writer, room int) error {
	widths := make([]int, len(g.Columns))
	for i, c := range g.Columns {
		widths[i] = runewidth.StringWidth(c.Name)
		for _, row := range g.rows {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	margin := strings.Repeat(" ", len(strconv.Itoa(len(g.rows)))+len(". "))
	width := len(margin) + 1
	for _, n := range widths {
		width += n + len("  ") + 1 // with a space on each side, and a rule
	}
	if width > room {
		return g.writeLists(w)
	}
	var b strings.Builder
	names := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		line := strings.Repeat("─", widths[i]-runewidth.StringWidth(c.Name))
		if c.Right {
			names[i] = "─" + line + c.Name + "─"
		} else {
			names[i] = "─" + c.Name + line + "─"
		}
	}
	b.WriteString(margin + "┌" + strings.Join(names, "┬") + "┐\n")
	for n, row := range g.rows {
		fmt.Fprintf(&b, "%*d. │", len(margin)-len(". "), n+1)
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(text))
			if g.Columns[i].Right {
				text = pad + text
			} else {
				text += pad
			}
			b.WriteString(" " + text + " │")
		}
		b.WriteString("\n")
	}
	for i := range names {
		names[i] = strings.Repeat("─", widths[i]+len("  "))
	}
	b.WriteString(margin + "└" + strings.Join(names, "┴") + "┘\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLists writes each row as lines of a name and a text.
func (g *Grid) writeLists(w io.Writer) error {
	longest := 0
	for _, c := range g.Columns {
		longest = max(longest, runewidth.StringWidth(c.Name))
	}
	var b strings.Builder
	for n, row := range g.rows {
		fmt.Fprintf(&b, "%d.\n", n+1)
		for i, text := range row {
			fmt.Fprintf(&b, "  %s  %s\n", runewidth.FillRight(g.Columns[i].Name, longest), text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes the table for a page or a comment on a forge.
func (g *Grid) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	escape := strings.NewReplacer("|", "\\|", "<", "&lt;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[")
	line := func(texts []string) {
		b.WriteString("|")
		for _, text := range texts {
			b.WriteString(" " + escape.Replace(text) + " |")
		}
		b.WriteString("\n")
	}
	names, rules := make([]string, len(g.Columns)), "|"
	for i, c := range g.Columns {
		names[i] = c.Name
		rules += map[bool]string{true: "---:|", false: "---|"}[c.Right]
	}
	b.WriteString("\n")
	line(names)
	b.WriteString(rules + "\n")
	for _, row := range g.rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
