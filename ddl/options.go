package ddl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// DefaultEngine is the table engine used when [Options] names none.
const DefaultEngine = "MergeTree"

// Options are the settings of a table that only ClickHouse knows. Every field
// may be left out. PartitionBy, TTL, codecs and index expressions are SQL and
// are trusted; see the package documentation.
type Options struct {
	// Engine is a table engine of the MergeTree family with its arguments, such
	// as ReplacingMergeTree(updated_at). Empty means [DefaultEngine].
	Engine string `yaml:"engine,omitempty"`
	// PartitionBy is the partition key, an expression such as
	// toYYYYMM(created_at). Empty means one partition.
	PartitionBy string `yaml:"partition_by,omitempty"`
	// PrimaryKey lists the fields of the primary key. They must be a prefix of
	// the schema's OrderBy. Empty means all of OrderBy.
	PrimaryKey []string `yaml:"primary_key,omitempty"`
	// TTL says when rows expire, such as created_at + INTERVAL 1 YEAR. Several
	// rules are separated by commas.
	TTL string `yaml:"ttl,omitempty"`
	// Retention says how long rows are kept, in place of TTL.
	Retention Retention `yaml:"retention,omitempty"`
	// Settings are the table's own settings by name. Values are given bare:
	// numbers, true, false, or text without quotes.
	Settings map[string]string `yaml:"settings,omitempty"`
	// Comment describes the table.
	Comment string `yaml:"comment,omitempty"`
	// Columns holds what is particular to single columns, by field name.
	Columns map[string]ColumnOptions `yaml:"columns,omitempty"`
	// Indexes are the table's data skipping indexes.
	Indexes []Index `yaml:"indexes,omitempty"`
	// Projections are the table's projections.
	Projections []Projection `yaml:"projections,omitempty"`
	// Views are the materialized views that read the table.
	Views []ViewOptions `yaml:"views,omitempty"`
	// Cluster is the name of the cluster whose hosts have the table. Empty means
	// the connected server only.
	Cluster string `yaml:"cluster,omitempty"`
	// Replicated makes the engine its replicated form, so that the replicas of a
	// shard share their rows.
	Replicated bool `yaml:"replicated,omitempty"`
	// Distributed spreads the rows over the shards of the cluster. The schema's
	// table is then of the engine Distributed and keeps none; the rows are in tables
	// called [LocalName].
	Distributed bool `yaml:"distributed,omitempty"`
	// ShardingKey is what decides to which shard a row belongs: an expression of
	// the row that is an integer, such as cityHash64(id).
	ShardingKey string `yaml:"sharding_key,omitempty"`
}

// Retention is how long facts are kept: in the table by a TTL rule, and in a log by
// [erase.Config.Expired].
//
// [erase.Config.Expired]: https://pkg.go.dev/github.com/factload/factload/clickhouse/erase#Config
type Retention struct {
	// Field is a date or datetime64 of the schema, from which Days are counted. In a
	// log they are counted from the time of the event.
	Field string `yaml:"field"`
	// Days is how many days. 0 means for ever.
	Days int `yaml:"days"`
}

// ttl returns the rule of a table.
func (r Retention) ttl() string {
	return fmt.Sprintf("%s + INTERVAL %d DAY", sqltext.QuoteIdent(r.Field), r.Days)
}

// maxDays is a hundred years.
const maxDays = 36525

// ColumnOptions are the ClickHouse settings of one column.
type ColumnOptions struct {
	// Codec is the list of compression codecs without the word CODEC, such as
	// Delta(8), ZSTD(1). Empty means the default of [NewTable] for the type;
	// Default means the server's own default.
	Codec string `yaml:"codec,omitempty"`
	// TTL is the expression after which the column's value goes back to its
	// default, such as created_at + INTERVAL 30 DAY.
	TTL string `yaml:"ttl,omitempty"`
}

// Index is a data skipping index.
type Index struct {
	// Name is the name of the index, unique in its table.
	Name string `yaml:"name"`
	// Expr is what is indexed: a column or an expression of columns. In Options
	// and Table alike it is SQL, so a column whose name is no plain word is
	// written in backticks.
	Expr string `yaml:"expr"`
	// Type is the kind of index with its arguments, such as bloom_filter(0.01)
	// or minmax.
	Type string `yaml:"type"`
	// Granularity is the number of granules that one index entry covers. Zero
	// means the server's default.
	Granularity int `yaml:"granularity,omitempty"`
}

// Validate reports everything that is wrong with the options by themselves,
// each problem as a [*OptionError] or [*NameError], joined with errors.Join.
// Whether the fields they name exist is checked by [NewTable], which calls
// Validate too. Whether the SQL in them means anything only the server can tell.
func (o Options) Validate() error {
	c := optionChecker{}
	if o.Engine != "" {
		if _, err := sqltext.ParseEngine(o.Engine); err != nil {
			c.report("engine", err)
		}
	}
	c.expr("partition_by", o.PartitionBy, false)
	c.expr("ttl", o.TTL, true)
	if r := o.Retention; r != (Retention{}) {
		if r.Field == "" || r.Days < 1 || r.Days > maxDays {
			c.report("retention", fmt.Errorf("needs a field and days from 1 to %d", maxDays))
		}
		if o.TTL != "" {
			c.report("retention", errors.New("is a TTL, and ttl is given too: leave one of them out"))
		}
	}
	c.text("comment", o.Comment)
	c.cluster(o)
	for i, name := range o.PrimaryKey {
		if slices.Contains(o.PrimaryKey[:i], name) {
			c.report("primary_key", fmt.Errorf("names %q twice", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		c.setting(name, o.Settings[name])
	}
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		c.expr("columns."+name+".codec", o.Columns[name].Codec, true)
		c.expr("columns."+name+".ttl", o.Columns[name].TTL, false)
	}
	c.indexes(o.Indexes)
	c.projections(o.Projections)
	c.projectionEngine(o)
	c.views(o.Views)
	return errors.Join(c.problems...)
}

type optionChecker struct{ problems []error }

func (c *optionChecker) add(err error) {
	if err != nil {
		c.problems = append(c.problems, err)
	}
}

func (c *optionChecker) report(option string, err error) {
	c.problems = append(c.problems, &OptionError{Option: option, Problem: err.Error()})
}

// expr checks an expression that may be left out.
func (c *optionChecker) expr(option, s string, list bool) {
	if s != "" {
		c.expression(option, sqltext.Shorten(s), sqltext.CheckExpr(s, list))
	}
}

func (c *optionChecker) text(option, s string) {
	if err := sqltext.CheckText(s); err != nil {
		c.report(option, err)
	}
}

func (c *optionChecker) setting(name, value string) {
	option := "settings." + name
	if !isSettingName(name) {
		c.report(option, errors.New("is not a setting name: use lower-case letters, digits and _"))
	}
	if value == "" {
		c.report(option, errors.New("has no value"))
	}
	c.text(option, value)
}

func isSettingName(s string) bool {
	return sqltext.IsWord(s) && strings.ToLower(s) == s
}

func (c *optionChecker) indexes(list []Index) {
	names := make([]string, len(list))
	for i, x := range list {
		option := fmt.Sprintf("indexes[%d]", i)
		names[i] = x.Name
		c.expression(option+".expr", sqltext.Shorten(x.Expr), sqltext.CheckExpr(x.Expr, false))
		c.expression(option+".type", sqltext.Shorten(x.Type), sqltext.CheckExpr(x.Type, false))
		if x.Granularity < 0 {
			c.report(option+".granularity", fmt.Errorf("is %d: it must not be negative", x.Granularity))
		}
	}
	c.names("index", names)
}

// names checks the names of a list of indexes or projections.
func (c *optionChecker) names(kind string, names []string) {
	list := map[string]string{"index": "indexes", "projection": "projections"}[kind]
	for i, name := range names {
		c.add(checkName(kind, name))
		if kind == "projection" && strings.Contains(name, "/") {
			c.add(&NameError{Kind: kind, Name: name, Problem: "holds a slash, and ClickHouse keeps a projection in a directory of its name: choose another"})
		}
		if slices.Contains(names[:i], name) {
			c.report(fmt.Sprintf("%s[%d].name", list, i), fmt.Errorf("%q is given twice", name))
		}
	}
}

// expression reports what is wrong with a piece of SQL.
func (c *optionChecker) expression(option, shown string, err error) {
	if err != nil {
		c.report(option, fmt.Errorf("%q %w", shown, err))
	}
}

// OptionError says what is wrong with one of the [Options].
type OptionError struct {
	// Option is the path of the option as it is written in YAML, such as
	// columns.payload.codec or indexes[0].expr.
	Option string
	// Problem says what is wrong and how to fix it.
	Problem string
}

// Error names the option and the problem.
func (e *OptionError) Error() string {
	return fmt.Sprintf("table option %s: %s", e.Option, e.Problem)
}
