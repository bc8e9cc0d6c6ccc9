package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

// View is a materialized view: a query that the server runs over the rows of
// every insert into a table, and whose answer it inserts into another table, the
// target. It belongs to the [Table] that its query reads from.
type View struct {
	// Name is the name of the view. It stands beside the names of tables.
	Name string
	// To is the target. An empty Database means that of the table; an empty Name
	// means that the view keeps its rows in a table of its own, which no View
	// made from a schema does.
	To TableName
	// Select is the query. It is SQL and trusted; see the package documentation.
	Select string
	// Comment describes the view.
	Comment string
	// Other is the engine of what has the name of the view and is none. It is
	// empty for materialized views.
	Other string
	// Target is the target, when it is defined together with the view. Nil means
	// that it is another schema's table, or somebody else's. It is never
	// compared: see [Expand].
	Target *Table
}

// String describes the view in a few words.
func (v View) String() string {
	return fmt.Sprintf("%q into %q (%s)", v.Name, v.To, sqltext.Brief(v.Select))
}

// ViewOptions are a materialized view as it is written beside a schema.
type ViewOptions struct {
	// Name is the name of the view.
	Name string `yaml:"name"`
	// To is the name of the target, a table in the same database: one that
	// Target defines, or another schema's.
	To string `yaml:"to"`
	// Select is the query, a single SELECT from the schema's table. Its columns
	// must have the names of columns of the target.
	Select string `yaml:"select"`
	// Comment describes the view.
	Comment string `yaml:"comment,omitempty"`
	// Target defines the target, so that it is created and changed like the
	// schema's own table. Without columns the target is another schema's table.
	Target TargetOptions `yaml:"target,omitempty"`
}

// TargetOptions define the table that a materialized view inserts into. They
// mean what they mean in [Options].
type TargetOptions struct {
	// Columns are the columns in their order.
	Columns []TargetColumn `yaml:"columns,omitempty"`
	// OrderBy lists the columns of the sorting key.
	OrderBy []string `yaml:"order_by,omitempty"`
	// Engine is the table engine, such as SummingMergeTree or
	// AggregatingMergeTree. Empty means [DefaultEngine].
	Engine string `yaml:"engine,omitempty"`
	// PartitionBy is the partition key, an expression.
	PartitionBy string `yaml:"partition_by,omitempty"`
	// PrimaryKey lists the columns of the primary key, the first of OrderBy.
	PrimaryKey []string `yaml:"primary_key,omitempty"`
	// TTL says when rows expire.
	TTL string `yaml:"ttl,omitempty"`
	// Settings are the table's own settings by name.
	Settings map[string]string `yaml:"settings,omitempty"`
	// Comment describes the table.
	Comment string `yaml:"comment,omitempty"`
	// Indexes are the table's data skipping indexes.
	Indexes []Index `yaml:"indexes,omitempty"`
	// Projections are the table's projections.
	Projections []Projection `yaml:"projections,omitempty"`
}

// TargetColumn is a column of a target.
type TargetColumn struct {
	// Name is the name of the column.
	Name string `yaml:"name"`
	// Type is its ClickHouse type, such as SimpleAggregateFunction(sum, UInt64).
	Type string `yaml:"type"`
	// Codec is the list of compression codecs without the word CODEC. Empty
	// means the server's default.
	Codec string `yaml:"codec,omitempty"`
	// Comment describes the column.
	Comment string `yaml:"comment,omitempty"`
}

// options returns what the target has in common with a schema's table.
func (o TargetOptions) options() Options {
	return Options{
		Engine: o.Engine, PartitionBy: o.PartitionBy, PrimaryKey: o.PrimaryKey, TTL: o.TTL,
		Settings: o.Settings, Comment: o.Comment, Indexes: o.Indexes, Projections: o.Projections,
	}
}

// newViews returns the views of a table.
func newViews(list []ViewOptions, of Options) []View {
	var out []View
	for _, o := range list {
		v := View{Name: o.Name, To: TableName{Name: o.To}, Select: strings.TrimSpace(o.Select), Comment: o.Comment}
		if len(o.Target.Columns) > 0 {
			target := newTarget(o.To, o.Target, of)
			v.Target = &target
		}
		out = append(out, v)
	}
	return out
}

func newTarget(name string, o TargetOptions, of Options) Table {
	options := o.options()
	options.Cluster, options.Replicated = of.Cluster, of.Replicated
	t := tableOf(name, o.OrderBy, options)
	for _, c := range o.Columns {
		column := Column{Name: c.Name, Type: strings.TrimSpace(c.Type), Codec: strings.TrimSpace(c.Codec), Comment: c.Comment, written: true}
		column.takeMark()
		t.Columns = append(t.Columns, column)
	}
	t.deduplicate()
	return t
}

// views checks the views by themselves.
func (c *optionChecker) views(list []ViewOptions) {
	for i, o := range list {
		path := fmt.Sprintf("views[%d].", i)
		c.object(path+"name", o.Name)
		c.object(path+"to", o.To)
		for _, other := range list[:i] {
			if o.Name == other.Name {
				c.report(path+"name", fmt.Errorf("%q is given twice", o.Name))
			}
			if o.To == other.To && len(o.Target.Columns) > 0 && len(other.Target.Columns) > 0 {
				c.report(path+"target", fmt.Errorf("defines the table %q a second time: leave it out here", o.To))
			}
		}
		if o.Name == o.To {
			c.report(path+"to", fmt.Errorf("%q is the view itself", o.To))
		}
		c.expression(path+"select", sqltext.Brief(o.Select), sqltext.CheckSelect(o.Select))
		c.text(path+"comment", o.Comment)
		c.target(path+"target.", o.Target)
	}
}

// object checks the name of something that the server keeps in a file.
func (c *optionChecker) object(option, name string) {
	if err := CheckTableName("", name); err != nil {
		c.report(option, err)
	}
}

// target checks the options of a target. The problems get the path before them.
func (c *optionChecker) target(path string, o TargetOptions) {
	inner := optionChecker{}
	if len(o.Columns) == 0 {
		if !o.empty() {
			inner.report("columns", errors.New("are missing: a target that is defined here has them"))
		}
		c.within(path, inner)
		return
	}
	var names []string
	for i, column := range o.Columns {
		inner.targetColumn(fmt.Sprintf("columns[%d].", i), column)
		if slices.Contains(names, column.Name) {
			inner.report(fmt.Sprintf("columns[%d].name", i), fmt.Errorf("%q is given twice", column.Name))
		}
		names = append(names, column.Name)
	}
	for i, name := range o.OrderBy {
		switch {
		case !slices.Contains(names, name):
			inner.report(fmt.Sprintf("order_by[%d]", i), fmt.Errorf("%q is not a column of the target", name))
		case slices.Contains(o.OrderBy[:i], name):
			inner.report(fmt.Sprintf("order_by[%d]", i), fmt.Errorf("%q is given twice", name))
		}
	}
	inner.add(o.options().Validate())
	if n := len(o.PrimaryKey); n > len(o.OrderBy) || !slices.Equal(o.PrimaryKey, o.OrderBy[:n]) {
		inner.report("primary_key", fmt.Errorf("%q must be the first columns of order_by %q", o.PrimaryKey, o.OrderBy))
	}
	c.within(path, inner)
}

func (o TargetOptions) empty() bool {
	return len(o.OrderBy)+len(o.PrimaryKey)+len(o.Settings)+len(o.Indexes)+len(o.Projections) == 0 && o.Engine+o.PartitionBy+o.TTL+o.Comment == ""
}

func (c *optionChecker) targetColumn(path string, column TargetColumn) {
	if err := checkName("column", column.Name); err != nil {
		c.report(path+"name", err)
	}
	if slices.Contains(reservedColumns, column.Name) || isConstantWord(column.Name) {
		c.report(path+"name", fmt.Errorf("%q is kept by ClickHouse for itself: choose another", column.Name))
	}
	c.expression(path+"type", sqltext.Shorten(column.Type), sqltext.CheckExpr(column.Type, false))
	c.expr(path+"codec", column.Codec, true)
	c.text(path+"comment", column.Comment)
}

// within takes over the problems of options that stand at a path.
func (c *optionChecker) within(path string, inner optionChecker) {
	for _, err := range inner.problems {
		for _, err := range joined(err) {
			switch e := err.(type) { //nolint:errorlint // they come straight from a checker
			case *OptionError:
				c.add(&OptionError{Option: path + e.Option, Problem: e.Problem})
			default:
				c.add(&OptionError{Option: strings.TrimSuffix(path, "."), Problem: err.Error()})
			}
		}
	}
}

// joined takes apart what errors.Join has put together.
func joined(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	return []error{err}
}

// viewsOf checks that the views fit the schema.
func (c *optionChecker) viewsOf(s fact.Schema, list []ViewOptions) {
	for i, o := range list {
		if o.Name == s.Name {
			c.report(fmt.Sprintf("views[%d].name", i), fmt.Errorf("%q is the table of the schema", o.Name))
		}
		if o.To == s.Name {
			c.report(fmt.Sprintf("views[%d].to", i), fmt.Errorf("%q is the table of the schema, which the view reads", o.To))
		}
	}
}
