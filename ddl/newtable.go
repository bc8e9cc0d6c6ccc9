package ddl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

// DeduplicationWindow is the number of inserted blocks that a table remembers
// by their deduplication tokens, unless an option says otherwise. A block that
// is inserted again within the window is not stored twice.
const DeduplicationWindow = 10000

// NewTable returns the table of a schema. The table has the schema's name and a
// column for each field in order; Database is left empty.
//
// Rows of a schema with ReplaceBy are kept by a ReplacingMergeTree: of those with the
// same OrderBy in one partition, one stays when parts are merged.
//
// It checks the schema, the options, and what ClickHouse asks of both. The error
// joins all problems found.
//
// Where the options are silent it chooses: ZSTD(1) for text outside of the
// sorting key, Delta(8), ZSTD(1) for times, the server's own codec for all
// else, and a deduplication window of [DeduplicationWindow] blocks, so that an
// insert can be repeated safely. What it chooses is for new tables and columns:
// it takes the place of nothing that a table has.
func NewTable(s fact.Schema, o Options) (Table, error) {
	var replacing error
	if s.ReplaceBy != "" {
		o.Engine, replacing = replacingEngine(o.Engine, s.ReplaceBy)
	}
	problems := []error{replacing, s.Validate(), o.Validate(), checkAgainst(s, o), CheckTableName("", s.Name), checkColumnNames(s)}
	t := tableOf(s.Name, s.OrderBy, o)
	t.Distributed = newDistributed(s.Name, o)
	if t.Distributed != nil {
		problems = append(problems, CheckTableName("", t.Distributed.Local))
	}
	t.Views = newViews(o.Views, o)
	for _, f := range s.Fields {
		c, err := newColumn(f, o.Columns[f.Name], slices.Contains(s.OrderBy, f.Name))
		problems = append(problems, err)
		t.Columns = append(t.Columns, c)
	}
	if err := errors.Join(problems...); err != nil {
		return Table{}, fmt.Errorf("table %q: %w", sqltext.Shorten(s.Name), err)
	}
	t.deduplicate()
	return t, nil
}

// replacingEngine returns the engine that keeps the rows with the largest version,
// in place of a plain one.
func replacingEngine(plain, version string) (string, error) {
	e := sqltext.Engine{}
	if plain != "" {
		var err error
		if e, err = sqltext.ParseEngine(plain); err != nil {
			return plain, nil // which the options report
		}
	}
	if e.Family != "" || len(e.Args) > 0 {
		return plain, &OptionError{Option: "engine", Problem: fmt.Sprintf("%q does not go with replace_by, which makes it ReplacingMergeTree(%s): leave one of them out", plain, version)}
	}
	return fmt.Sprintf("%sReplacingMergeTree(%s)", e.Prefix, sqltext.QuoteIdent(version)), nil
}

// tableOf returns a table without columns.
func tableOf(name string, orderBy []string, o Options) Table {
	t := Table{
		Name:        name,
		Engine:      o.Engine,
		OrderBy:     sqltext.QuoteAll(orderBy),
		PrimaryKey:  sqltext.QuoteAll(o.PrimaryKey),
		PartitionBy: strings.TrimSpace(o.PartitionBy),
		TTL:         strings.TrimSpace(o.TTL),
		Settings:    maps.Clone(o.Settings),
		Indexes:     slices.Clone(o.Indexes),
		Projections: slices.Clone(o.Projections),
		Comment:     o.Comment,
		Cluster:     o.Cluster,
	}
	if t.Engine == "" {
		t.Engine = DefaultEngine
	}
	if o.Retention != (Retention{}) {
		t.TTL = o.Retention.ttl()
	}
	if o.Replicated {
		t.Engine = replicatedEngine(t.Engine)
	}
	return t
}

// deduplicate sets the deduplication window unless the options have done so.
func (t *Table) deduplicate() {
	name := "non_replicated_deduplication_window"
	if e, err := sqltext.ParseEngine(t.Engine); err == nil && e.Replicated() {
		name = "replicated_deduplication_window"
	}
	if _, ok := t.Settings[name]; ok {
		return
	}
	if t.Settings == nil {
		t.Settings = make(map[string]string, 1)
	}
	t.Settings[name], t.chosenSetting = fmt.Sprint(DeduplicationWindow), name
}

func newColumn(f fact.Field, o ColumnOptions, sorted bool) (Column, error) {
	c := Column{Name: f.Name, Codec: strings.TrimSpace(o.Codec), TTL: strings.TrimSpace(o.TTL), Comment: f.Comment, JSON: f.Type == fact.JSON}
	var err error
	if c.Type, err = ColumnType(f); err != nil {
		return Column{}, err
	}
	if c.Codec == "" {
		c.Codec, c.chosen.codec = defaultCodec(f, sorted), true
	}
	switch {
	case f.Default != nil:
		if c.Default, err = Literal(f, f.Default); err != nil {
			return Column{}, fmt.Errorf("default: %w", err)
		}
	case f.Type == fact.JSON && !f.Nullable && !f.Array:
		// Without it a missing value would be empty text, which is not JSON.
		c.Default, c.chosen.def = sqltext.QuoteString(emptyObject), true
	}
	if err := sqltext.CheckText(f.Comment); err != nil {
		return Column{}, fmt.Errorf("field %q: comment %w", f.Name, err)
	}
	if strings.HasPrefix(f.Comment, JSONMark) {
		return Column{}, fmt.Errorf("field %q: comment begins with %s, which marks columns of JSON text: choose other words", f.Name, JSONMark)
	}
	return c, nil
}

// emptyObject is what a JSON column holds for a missing value.
const emptyObject = "{}"

// defaultCodec is the codec for a column where the options name none. Text in
// the sorting key is sorted, so it is short or repeats and LZ4 does well.
func defaultCodec(f fact.Field, sorted bool) string {
	switch f.Type {
	case fact.String, fact.JSON, fact.StringMap, fact.NativeJSON:
		if !sorted {
			return "ZSTD(1)"
		}
	case fact.DateTime64:
		return "Delta(8), ZSTD(1)"
	default:
	}
	return ""
}

// checkAgainst checks that the options fit the schema.
func checkAgainst(s fact.Schema, o Options) error {
	c := optionChecker{}
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		if _, ok := s.FieldByName(name); !ok {
			c.report("columns."+name, errors.New("is not a field of the schema"))
		}
	}
	if n := len(o.PrimaryKey); n > len(s.OrderBy) || !slices.Equal(o.PrimaryKey, s.OrderBy[:n]) {
		c.report("primary_key", fmt.Errorf("%q must be the first fields of order_by %q", o.PrimaryKey, s.OrderBy))
	}
	if name := o.Retention.Field; name != "" {
		f, ok := s.FieldByName(name)
		if !ok || f.Type != fact.Date && f.Type != fact.DateTime64 || f.Nullable || f.Array {
			c.report("retention.field", fmt.Errorf("%q is no date or datetime64 of the schema that is never null", sqltext.Shorten(name)))
		}
	}
	c.viewsOf(s, o.Views)
	return errors.Join(c.problems...)
}
