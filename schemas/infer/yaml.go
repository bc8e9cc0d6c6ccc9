package infer

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// WriteYAML writes the schema of the rows so far as a file that [schemas.Parse] reads, with comments that say what the
// rows leave open. It fails as [Builder.Definition] does, and then nothing is written.
func (in *Builder) WriteYAML(w io.Writer, name string) error {
	def, choices, err := in.define(name)
	if err != nil {
		return err
	}
	text, err := schemas.AppendYAML(nil, def, in.comments(def.Schema, choices))
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// comments returns what stands beside the schema.
func (in *Builder) comments(s fact.Schema, choices []choice) schemas.Comments {
	c := schemas.Comments{Fields: make(map[string]string)}
	top := func(lines ...string) { c.Top = append(c.Top, lines...) }
	top("Inferred from "+count(in.rows)+" "+plural(in.rows, "row")+". Look it over before the first load: changes cost nothing yet,",
		"and rows to come may hold what these did not.")
	if slices.ContainsFunc(choices, func(c choice) bool { return !c.everyRow }) {
		top("Where a row lacks a field, it gets NULL, {} or an empty array.")
	}
	if slices.ContainsFunc(choices, func(c choice) bool { return c.everyRow && !c.field.FactID }) {
		top(`A field that every row had so far gets 0 or "" where a later row lacks it: with nullable: true it gets NULL.`)
	}
	if slices.ContainsFunc(choices, func(c choice) bool { return len(c.path) > 1 }) {
		top("Keys of objects that are no fields here are unknown keys: --unknown-keys says what becomes of them.")
	}
	if a, b, found := in.Unrelated(); found {
		top("The rows of "+oneLine(a)+" and "+oneLine(b)+" have hardly a key in common:", "they may belong into tables of their own.")
	}
	if f := in.wrapped(); f != nil {
		top("The file is one object. If its rows are the elements of " + oneLine(f.path.String()) + ", infer and load with --rows-at " + oneLine(f.path.String()) + ".")
	}
	if in.envelopes() {
		top("The rows look like envelopes, with the row of another schema in data. load reads those when no schema is",
			"named. For a schema of what is inside: jq -c .data FILE | factload infer --schema NAME -")
	}
	if len(s.OrderBy) > 0 {
		c.OrderBy = []string{"The sorting key is a guess. Every row must have these fields; those that queries filter by come first."}
	} else {
		c.OrderBy = []string{
			"There is no sorting key, so rows are kept in the order of arrival: no category, time or ID is in every row.",
			"To have one, name fields here, as in order_by: [field]; one that rows may lack needs a default.",
		}
	}
	for _, choice := range choices {
		c.Fields[choice.field.Name] = strings.Join(choice.notes, "; ")
	}
	return c
}

// wrapped returns the longest list of objects in the only row, if there is one.
func (in *Builder) wrapped() *inferredField {
	if in.rows != 1 {
		return nil
	}
	return longestList(&in.root, nil)
}

func longestList(o *object, longest *inferredField) *inferredField {
	for _, f := range o.fields {
		if f.elements.objects > 0 && (longest == nil || f.elements.objects > longest.elements.objects) {
			longest = f
		}
		longest = longestList(&f.inside, longest)
	}
	return longest
}

// oneLine returns a name fit for a comment.
func oneLine(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, cut(name))
}

// envelopes tells whether the rows look like facts or events: an object called data, and text in schema or type that
// says what it is, in every row.
func (in *Builder) envelopes() bool {
	every := func(name string, kind func(*values) int64) bool {
		f := in.root.byKey[name]
		return f != nil && kind(&f.values) == in.rows
	}
	text := func(v *values) int64 { return v.texts }
	return every("data", func(v *values) int64 { return v.objects }) && (every("schema", text) || every("type", text))
}

// count writes a number of rows with its thousands apart.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func plural(n int64, one string) string {
	if n == 1 {
		return one
	}
	return one + "s"
}
