package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// grid is a table of texts for people, drawn as ClickHouse's PrettyCompact
// does, so that all tables of factload look alike.
type grid struct {
	columns []gridColumn
	rows    [][]string
}

type gridColumn struct {
	name  string
	right bool // numbers are aligned to the right
}

// add appends a row with a text for each column.
func (g *grid) add(texts ...string) {
	for i, text := range texts {
		texts[i] = printable(text)
	}
	g.rows = append(g.rows, texts)
}

// printable escapes what would leave its cell, such as line ends.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

func (g *grid) write(w io.Writer) error {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = runewidth.StringWidth(c.name)
		for _, row := range g.rows {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	margin := strings.Repeat(" ", len(strconv.Itoa(len(g.rows)))+len(". "))
	var b strings.Builder
	names := make([]string, len(g.columns))
	for i, c := range g.columns {
		line := strings.Repeat("─", widths[i]-runewidth.StringWidth(c.name))
		if c.right {
			names[i] = "─" + line + c.name + "─"
		} else {
			names[i] = "─" + c.name + line + "─"
		}
	}
	b.WriteString(margin + "┌" + strings.Join(names, "┬") + "┐\n")
	for n, row := range g.rows {
		fmt.Fprintf(&b, "%*d. │", len(margin)-len(". "), n+1)
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(text))
			if g.columns[i].right {
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

// writeMarkdown writes the table for a page or a comment on a forge.
func (g *grid) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	escape := strings.NewReplacer("|", "\\|", "<", "&lt;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[")
	line := func(texts []string) {
		b.WriteString("|")
		for _, text := range texts {
			b.WriteString(" " + escape.Replace(text) + " |")
		}
		b.WriteString("\n")
	}
	names, rules := make([]string, len(g.columns)), "|"
	for i, c := range g.columns {
		names[i] = c.name
		rules += map[bool]string{true: "---:|", false: "---|"}[c.right]
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
