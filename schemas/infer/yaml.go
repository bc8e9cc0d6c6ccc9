package infer

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// WriteYAML writes the schema of the rows so far as a file that [schemas.Parse] reads, with comments that say what the rows
// leave open. It fails as [Builder.Definition] does, and then nothing is written.
func (in *Builder) WriteYAML(w io.Writer, name string) error {
	def, choices, err := in.define(name)
	if err != nil {
		return err
	}
	text := in.render(def.Schema, choices)
	// A file that cannot be read back must not be given to anybody.
	back, err := schemas.Parse(inferredSource, text)
	if err != nil {
		return fmt.Errorf("the inferred schema cannot be written as YAML: %w", err)
	}
	if len(back) != 1 || !reflect.DeepEqual(back[0].Schema, def.Schema) {
		return fmt.Errorf("the inferred schema cannot be written as YAML: it would be read as another one, of %d fields", len(def.Schema.Fields))
	}
	_, err = w.Write(text)
	return err
}

// render returns the file of a schema.
func (in *Builder) render(s fact.Schema, choices []choice) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Inferred from %s %s. Look it over before the first load: changes cost nothing yet,\n", count(in.rows), plural(in.rows, "row"))
	fmt.Fprint(&b, "# and rows to come may hold what these did not.\n")
	if slices.ContainsFunc(in.fields, func(f *inferredField) bool { return f.rows < in.rows }) {
		fmt.Fprint(&b, "# Where a row lacks a field, it gets NULL, or an empty array.\n")
	}
	if in.envelopes() {
		fmt.Fprint(&b, "# The rows look like envelopes, with the row of another schema in data. load reads those when no schema is\n"+
			"# named. For a schema of what is inside: jq -c .data FILE | factload infer --schema NAME -\n")
	}
	fmt.Fprintf(&b, "name: %s\n", flow(scalar(s.Name)))
	if len(s.OrderBy) > 0 {
		fmt.Fprint(&b, "# The sorting key is a guess. Every row must have these fields; those that queries filter by come first.\n")
		fmt.Fprintf(&b, "order_by: %s\n", flow(list(s.OrderBy)))
	} else {
		fmt.Fprint(&b, "# There is no sorting key, so rows are kept in the order of arrival: no field that can be sorted by is in every\n"+
			"# row and never null. To have one, give a field a default and name it here, as in order_by: [field].\n")
	}
	fmt.Fprint(&b, "fields:\n")
	for _, c := range choices {
		fmt.Fprintf(&b, "  - %s", flow(fieldNode(c.field)))
		if len(c.notes) > 0 {
			fmt.Fprintf(&b, "  # %s", strings.Join(c.notes, "; "))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// envelopes tells whether the rows look like facts or events: an object called data, and text in schema or type that
// says what it is, in every row.
func (in *Builder) envelopes() bool {
	every := func(name string, kind func(*values) int64) bool {
		f := in.byName[name]
		return f != nil && kind(&f.values) == in.rows
	}
	text := func(v *values) int64 { return v.texts }
	return every("data", func(v *values) int64 { return v.objects }) && (every("schema", text) || every("type", text))
}

// fieldNode returns a field as it is written in a file.
func fieldNode(f fact.Field) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("name"), scalar(f.Name), scalar("type"), scalar(f.Type.String())}}
	for _, flag := range []struct {
		key string
		set bool
	}{{"nullable", f.Nullable}, {"array", f.Array}} {
		if flag.set {
			n.Content = append(n.Content, scalar(flag.key), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
		}
	}
	return n
}

// list returns a list of text.
func list(texts []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, s := range texts {
		n.Content = append(n.Content, scalar(s))
	}
	return n
}

// scalar returns text that is read back as the same text. Characters that an editor would not show are escaped.
func scalar(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// flow returns a node on one line, quoted so that it can stand in any place. A lone text is quoted as within a list.
func flow(n *yaml.Node) string {
	lone := n.Kind == yaml.ScalarNode
	if lone {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}}
	}
	n.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(n)
	if err != nil {
		panic("infer: " + err.Error()) // of nodes that were made here
	}
	line := strings.TrimSuffix(string(text), "\n")
	if lone {
		return line[1 : len(line)-1]
	}
	return line
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
