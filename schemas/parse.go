package schemas

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/suggest"
)

// document is a schema as it is written.
type document struct {
	Name        string      `yaml:"name"`
	Description string      `yaml:"description"`
	OrderBy     []string    `yaml:"order_by"`
	ReplaceBy   string      `yaml:"replace_by"`
	Fields      []field     `yaml:"fields"`
	ClickHouse  ddl.Options `yaml:"clickhouse"`
}

// field is a field of a schema as it is written.
type field struct {
	Name      string     `yaml:"name"`
	Type      string     `yaml:"type"`
	Nullable  bool       `yaml:"nullable"`
	Array     bool       `yaml:"array"`
	FactID    bool       `yaml:"fact_id"`
	Default   *yaml.Node `yaml:"default"`
	Comment   string     `yaml:"comment"`
	Precision int        `yaml:"precision"`
	Scale     int        `yaml:"scale"`
	Values    []string   `yaml:"values"`

	From       string     `yaml:"from"`
	Unit       string     `yaml:"unit"`
	Quoted     bool       `yaml:"quoted"`
	NaN        *yaml.Node `yaml:"nan"`
	Surrogates *yaml.Node `yaml:"surrogates"`
	Null       *yaml.Node `yaml:"null"`
}

// Parse reads the schemas in data, which is the content of a YAML file. Source is the name of the file for positions
// and messages; nothing is opened.
//
// All documents are read before anything is reported: the error joins an [*Error] for each problem, and there are no
// definitions then. A file without a schema is an error as well.
func Parse(source string, data []byte) ([]Definition, error) {
	p := &problems{source: source}
	var (
		defs  []Definition
		names = make(map[string]int)
	)
	if !p.readable(data) {
		return nil, p.err()
	}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var root yaml.Node
		err := documents.Decode(&root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.malformed(data, err)
			break
		}
		if len(root.Content) != 1 || empty(root.Content[0]) {
			continue // a line of three dashes with nothing behind it
		}
		def, at := p.definition(root.Content[0])
		if first, twice := names[def.Schema.Name]; twice && def.Schema.Name != "" {
			p.add(at, "schema %q is there twice, first on line %d", def.Schema.Name, first)
		}
		names[def.Schema.Name] = at.line
		defs = append(defs, def)
	}
	if len(defs) == 0 && p.total == 0 {
		p.add(position{}, "there is no schema in this file: it needs at least name and fields")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return defs, nil
}

// definition reads a document. It returns the position of the name, too.
func (p *problems) definition(n *yaml.Node) (Definition, position) {
	before := p.total
	d := newDecoder(p)
	var doc document
	d.decode("", n, reflect.ValueOf(&doc).Elem())
	def := Definition{
		Schema:      fact.Schema{Name: doc.Name, OrderBy: doc.OrderBy, ReplaceBy: doc.ReplaceBy},
		Description: doc.Description,
		Table:       doc.ClickHouse,
		Source:      p.source + ":" + strconv.Itoa(n.Line),
	}
	if def.Table.Comment == "" {
		def.Table.Comment = doc.Description
	}
	if !reflect.ValueOf(def.Table).IsZero() {
		def.Schema.Table = def.Table
	}
	if doc.Name == "" {
		d.missing("", "name", `a schema needs a name: add a line such as "name: message"`)
	}
	for i := range doc.Fields {
		def.Schema.Fields = append(def.Schema.Fields, d.field(i, &doc.Fields[i]))
	}
	if p.total == before {
		d.validate(def)
	}
	return def, d.at["name"]
}

// field turns a field as it is written into one of a schema.
func (d *decoder) field(i int, f *field) fact.Field {
	path := "fields[" + strconv.Itoa(i) + "]"
	result := fact.Field{
		Name: f.Name, Nullable: f.Nullable, Array: f.Array, FactID: f.FactID, Comment: f.Comment,
		Precision: f.Precision, Scale: f.Scale, Values: f.Values,
		From: f.From, Unit: fact.Unit(f.Unit), Quoted: f.Quoted,
		NaNIsNull: d.word("nan", f.NaN, "null"), ReplaceSurrogates: d.word("surrogates", f.Surrogates, "replace"),
		NullIsDefault: d.word("null", f.Null, "default"),
	}
	if _, given := d.at[path+".from"]; given && f.From == "" {
		d.missing(path, "from", `from is empty: leave it out, or write '""' for the empty key`)
	}
	if f.Name == "" {
		d.missing(path, "name", "a field needs a name")
	}
	if f.Type == "" {
		d.missing(path, "type", "a field needs a type: known types are "+strings.Join(typeNames(), ", "))
		return result
	}
	t, err := fact.ParseFieldType(f.Type)
	if err != nil {
		names := typeNames()
		d.add(d.at[path+".type"], "unknown type %q%s known types are %s", f.Type,
			orColon(suggest.DidYouMean(f.Type, names)), strings.Join(names, ", "))
		return result
	}
	result.Type = t
	if f.Default != nil {
		result.Default = d.defaultValue(result, f.Default)
	}
	return result
}

// word reads a key that has one value only, if it is there.
func (d *decoder) word(key string, n *yaml.Node, want string) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Value != want {
		d.add(positionOf(n), "%s is %s, or left out; got %s", key, want, describe(n))
	}
	return true
}

// missing reports that the text of a key is empty or not there, unless the reason for it has been reported.
func (d *decoder) missing(path, key, problem string) {
	at := d.nearestPosition(join(path, key))
	for _, e := range d.found {
		if e.Line == at.line && e.Column == at.column {
			return
		}
	}
	d.add(at, "%s", problem)
}

func orColon(s string) string {
	if s == "" {
		return ":"
	}
	return s
}

func typeNames() []string {
	types := fact.FieldTypes()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return names
}
