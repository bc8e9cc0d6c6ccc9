package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// Comments are what stands beside a definition in its file. All of it may be left out.
type Comments struct {
	// Top and OrderBy are lines above the schema and above its sorting key, or in the place of that.
	Top, OrderBy []string
	// Fields are the comments behind the fields, by their names.
	Fields map[string]string
}

// AppendYAML appends a definition to dst as a document that [Parse] reads, its Source left out. Definitions of a file
// have a line of three dashes between them. A schema that is written in Go, as a [fact.Schema] or by [FromStruct], can
// be given to the commands of factload so.
//
// What was written is read back before it is returned, and the table that it makes must be the same. So it is an error
// when the definition is not valid, and nothing is appended then. Defaults may be other Go values when they are read.
func AppendYAML(dst []byte, def Definition, c Comments) ([]byte, error) {
	if options, ok := def.Schema.Table.(ddl.Options); ok && reflect.ValueOf(def.Table).IsZero() {
		def.Table = options
	}
	text, err := render(def, c)
	if err == nil {
		err = readsBack(def, text)
	}
	if err != nil {
		return dst, fmt.Errorf("schema %q cannot be written as YAML: %w", def.Schema.Name, err)
	}
	return append(dst, text...), nil
}

func render(def Definition, c Comments) ([]byte, error) {
	var b bytes.Buffer
	comment := func(lines []string) {
		for _, line := range lines {
			b.WriteString("# " + line + "\n")
		}
	}
	comment(c.Top)
	fmt.Fprintf(&b, "name: %s\n", flow(scalar(def.Schema.Name)))
	if def.Description != "" {
		fmt.Fprintf(&b, "description: %s\n", flow(scalar(def.Description)))
	}
	comment(c.OrderBy)
	if len(def.Schema.OrderBy) > 0 {
		fmt.Fprintf(&b, "order_by: %s\n", flow(list(def.Schema.OrderBy)))
	}
	if def.Schema.ReplaceBy != "" {
		fmt.Fprintf(&b, "replace_by: %s\n", flow(scalar(def.Schema.ReplaceBy)))
	}
	b.WriteString("fields:\n")
	for _, f := range def.Schema.Fields {
		n, err := fieldNode(f)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "  - %s", flow(n))
		if note := c.Fields[f.Name]; note != "" {
			b.WriteString("  # " + note)
		}
		b.WriteByte('\n')
	}
	options := def.Table
	if options.Comment == def.Description {
		options.Comment = ""
	}
	if reflect.ValueOf(options).IsZero() {
		return b.Bytes(), nil
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(map[string]ddl.Options{"clickhouse": options}); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// readsBack checks that a document is read as the definition that it was made from.
func readsBack(def Definition, text []byte) error {
	want, err := ddl.NewTable(def.Schema, def.Table)
	if err != nil {
		return err
	}
	if err := def.Schema.Validate(); err != nil {
		return err
	}
	back, err := Parse("the schema", text)
	if err != nil {
		return err
	}
	got, err := ddl.NewTable(back[0].Schema, back[0].Table)
	if err != nil {
		return err
	}
	if def.Table.Comment == "" {
		want.Comment = def.Description // as Parse has it
	}
	if len(back) != 1 || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(withoutDefaults(back[0].Schema), withoutDefaults(def.Schema)) {
		return errors.New("it would be read as another one")
	}
	return nil
}

// withoutDefaults returns a schema without what may be told apart though it means the same.
func withoutDefaults(s fact.Schema) fact.Schema {
	s.Table = nil // the table has been compared
	s.OrderBy = append([]string{}, s.OrderBy...)
	s.Fields = append([]fact.Field{}, s.Fields...)
	for i := range s.Fields {
		f := &s.Fields[i]
		f.Default, f.Values = nil, append([]string{}, f.Values...)
	}
	return s
}

// fieldNode returns a field as it is written in a file.
func fieldNode(f fact.Field) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, value *yaml.Node) { n.Content = append(n.Content, scalar(key), value) }
	text := func(key, value string) {
		if value != "" {
			add(key, scalar(value))
		}
	}
	flag := func(key string, set bool) {
		if set {
			add(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: tagBool, Value: "true"})
		}
	}
	number := func(key string, value int) {
		if value != 0 {
			add(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: tagInt, Value: strconv.Itoa(value)})
		}
	}
	word := func(key, value string, set bool) {
		if set { // null is written bare here, as a key and as a value
			n.Content = append(n.Content, bare(key), bare(value))
		}
	}
	text("name", f.Name)
	text("from", f.From)
	text("type", f.Type.String())
	number("precision", f.Precision)
	number("scale", f.Scale)
	if len(f.Values) > 0 {
		add("values", list(f.Values))
	}
	text("unit", string(f.Unit))
	flag("quoted", f.Quoted)
	flag("nullable", f.Nullable)
	flag("array", f.Array)
	flag("fact_id", f.FactID)
	word("nan", "null", f.NaNIsNull)
	word("surrogates", "replace", f.ReplaceSurrogates)
	word("null", "default", f.NullIsDefault)
	if f.Default != nil {
		value, err := defaultNode(f)
		if err != nil {
			return nil, fmt.Errorf("default of field %q: %w", f.Name, err)
		}
		add("default", value)
	}
	text("comment", f.Comment)
	return n, nil
}

// defaultNode returns the default of a field by way of its JSON, which is YAML too.
func defaultNode(f fact.Field) (*yaml.Node, error) {
	raw, err := fact.NewEncoder(fact.Schema{Fields: []fact.Field{{Name: f.Name, Type: f.Type, Array: f.Array}}}).
		Append(nil, fact.Fact{Data: map[string]any{f.Name: f.Default}})
	if err != nil {
		return nil, err
	}
	var data map[string]json.RawMessage
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data[f.Name], &document); err != nil {
		return nil, err
	}
	return document.Content[0], nil
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
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: tagText, Value: s}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// bare returns a word without quotes, whatever YAML takes it for.
func bare(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

// flow returns a node on one line, quoted so that it can stand in any place. A lone text is quoted as within a list.
func flow(n *yaml.Node) string {
	lone := n.Kind == yaml.ScalarNode
	if lone {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}}
	}
	n.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(n)
	if err != nil {
		panic("schemas: " + err.Error()) // of nodes that were made here
	}
	line := strings.TrimSuffix(string(text), "\n")
	if lone {
		return line[1 : len(line)-1]
	}
	return line
}
