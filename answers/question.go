package answers

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed sql/*.sql
var files embed.FS

// ViewPrefix is what the names of the views begin with.
const ViewPrefix = "answer_"

// Question is a question that is shipped.
type Question struct {
	// Name is the name, such as pass_rate.
	Name string `yaml:"-"`
	// Title is a heading of a few words, and Question the question as a person would ask it.
	Title    string `yaml:"title"`
	Question string `yaml:"question"`
	// Place is where the question stands among others.
	Place int `yaml:"place"`
	// About says how the answer is computed.
	About string `yaml:"about"`
	// Reads are the tables that are read. The first one is what the question is about.
	Reads []string `yaml:"reads"`
	// Parameters are what has to be given with the question. All are texts.
	Parameters Notes `yaml:"parameters"`
	// Columns are the columns of the answer.
	Columns Notes `yaml:"columns"`
	// Order is how the rows of an answer are put into order, as SQL. Empty means by all columns.
	Order string `yaml:"order"`
	// Chart is how the answer is drawn. Nil means that it is a table only.
	Chart *Chart `yaml:"chart"`
	// Sample is a query of the view, as an example.
	Sample string `yaml:"sample"`
	// SQL is the query, without what describes it.
	SQL string `yaml:"-"`
}

// View returns the name of the question's view.
func (q Question) View() string { return ViewPrefix + q.Name }

// Note is a name and what it means.
type Note struct{ Name, Text string }

// Notes are notes in the order of the file.
type Notes []Note

// UnmarshalYAML reads a mapping of names to texts.
func (n *Notes) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want names with their texts", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		*n = append(*n, Note{Name: node.Content[i].Value, Text: node.Content[i+1].Value})
	}
	return nil
}

// Chart describes how an answer is drawn. X and Y, and the other fields that end so, name columns of the answer.
type Chart struct {
	Mark     string   `yaml:"mark" json:"mark"`                    // interval, dots, line or bar
	Title    string   `yaml:"title" json:"title"`                  // what is shown
	X        Columns  `yaml:"x" json:"x"`                          // one column, or several for dots
	Y        Columns  `yaml:"y" json:"y"`                          // one column, or several for lines
	Low      string   `yaml:"low" json:"low,omitempty"`            // lower end of the error bar
	High     string   `yaml:"high" json:"high,omitempty"`          // upper end of the error bar
	Color    string   `yaml:"color" json:"color,omitempty"`        // a colour for each value
	Facet    string   `yaml:"facet" json:"facet,omitempty"`        // a small chart for each value
	Format   string   `yaml:"format" json:"format"`                // of the values: percent, ms, s, usd or number
	XLabel   string   `yaml:"x_label" json:"xLabel,omitempty"`     // text at the axis
	YLabel   string   `yaml:"y_label" json:"yLabel,omitempty"`     // text at the axis
	Bin      float64  `yaml:"bin" json:"bin,omitempty"`            // width of a bar, when x is a number
	Stack    bool     `yaml:"stack" json:"stack,omitempty"`        // bars of several colours stand on each other
	Top      int      `yaml:"top" json:"top,omitempty"`            // only so many values of y, those with the greatest sums
	MarkWhen string   `yaml:"mark_when" json:"markWhen,omitempty"` // points that stand out where this is not 0
	Average  string   `yaml:"average" json:"average,omitempty"`    // the weight of a row
	Where    []string `yaml:"where" json:"where,omitempty"`        // rows with an empty value here are left out
}

// Columns are names of columns. In YAML a single name needs no list.
type Columns []string

// UnmarshalYAML reads one name or a list.
func (c *Columns) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*c = Columns{node.Value}
		return nil
	}
	return node.Decode((*[]string)(c))
}

// all reads the embedded files once. They are part of the program, so a problem in them is a bug.
var all = sync.OnceValue(func() []Question {
	entries, err := files.ReadDir("sql")
	if err != nil {
		panic(fmt.Sprintf("answers: embedded questions: %v", err))
	}
	var out []Question
	for _, entry := range entries {
		text, err := files.ReadFile("sql/" + entry.Name())
		if err != nil {
			panic(fmt.Sprintf("answers: embedded questions: %v", err))
		}
		q, err := parse(text)
		if err != nil {
			panic(fmt.Sprintf("answers: embedded question %s: %v", entry.Name(), err))
		}
		q.Name = strings.TrimSuffix(entry.Name(), ".sql")
		out = append(out, q)
	}
	slices.SortFunc(out, func(a, b Question) int { return cmp.Compare(a.Place, b.Place) })
	return out
})

// parse reads a file: YAML in a comment, and the query.
func parse(text []byte) (Question, error) {
	head, sql, ok := strings.Cut(strings.TrimPrefix(string(text), "/*\n"), "*/\n")
	if !ok {
		return Question{}, fmt.Errorf("does not begin with a comment")
	}
	var q Question
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(head)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&q); err != nil {
		return Question{}, err
	}
	q.About, q.SQL = strings.TrimSpace(q.About), strings.TrimSpace(sql)
	return q, nil
}

// All returns the questions in the order of their places. What they point to is shared and must not be changed.
func All() []Question { return slices.Clone(all()) }

// Get returns the question of that name.
func Get(name string) (Question, bool) {
	for _, q := range all() {
		if q.Name == name {
			return q, true
		}
	}
	return Question{}, false
}

// Tables returns the tables that have to be there for the questions about the given tables, sorted: these and those that
// the same questions read besides.
func Tables(about ...string) []string {
	out := slices.Clone(about)
	for _, q := range all() {
		if slices.Contains(about, q.Reads[0]) {
			out = append(out, q.Reads...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
