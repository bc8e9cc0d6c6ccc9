package diff_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// version is one version of a random schema.
type version struct {
	schema  fact.Schema
	options ddl.Options
}

// pair is two versions, and how a table gets from one to the other.
type pair struct {
	from, to version
	late     []string // the fields of from that are added after the rows
	prune    bool
}

// smallPairs are so many that every outcome is among them.
const smallPairs = 24

// TestSoakRandomPairs brings a table with rows from one random version of a schema
// to another. FACTLOAD_TEST_SEED sets the first seed.
func TestSoakRandomPairs(t *testing.T) {
	t.Parallel()
	pairs, first := soak.Trials(t, smallPairs, 300), 1
	if os.Getenv(soak.SeedEnv) != "" {
		first = int(soak.Seed(t))
	}
	var mu sync.Mutex
	counts := make(map[string]int)
	const workers = 3
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			db, c := enginetest.Database(t), (*migrate.Migrator)(nil)
			c = openMigrator(t, db)
			for seed := first + w; seed < first+pairs; seed += workers {
				what, err := randomPair(seed).check(atOnce(t.Context()), db, c)
				if err != nil {
					t.Errorf("seed %d: %v\n%s", seed, err, randomPair(seed).shrink(atOnce(t.Context()), db, c))
					return
				}
				mu.Lock()
				counts[what]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("outcomes: %v", counts)
	if pairs >= smallPairs && !t.Failed() {
		for _, what := range []string{"rebuilt", "rows do not fit", "rows kept", "rows may go", "nothing to do"} {
			require.NotZero(t, counts[what], what)
		}
	}
}

const readRandom = "SELECT %s FROM t ORDER BY id FORMAT TSV SETTINGS output_format_decimal_trailing_zeros = 1"

// check brings a table from one version to the other and returns what became of
// it.
func (p pair) check(ctx context.Context, db *enginetest.DB, c *migrate.Migrator) (string, error) {
	if err := dropTables(ctx, db); err != nil {
		return "", err
	}
	from, err := p.start(ctx, db, c)
	if err != nil {
		return "", fmt.Errorf("start: %w", err)
	}
	to, err := ddl.NewTable(p.to.schema, p.to.options)
	if err != nil {
		return "", err
	}
	var options []diff.Option
	if p.prune {
		options = append(options, diff.Prune)
	}
	tables, err := ddl.Expand(to)
	if err != nil {
		return "", err
	}
	if err := c.Ensure(ctx, tables[:len(tables)-1]...); err != nil {
		return "", fmt.Errorf("targets: %w", err)
	}
	plan, err := c.Plan(ctx, to, options...)
	if err != nil {
		return "", err
	}
	common := slices.DeleteFunc(slices.Clone(from.Columns), func(c ddl.Column) bool { _, ok := to.Column(c.Name); return !ok })
	before, err := readColumns(ctx, db, common)
	if err != nil {
		return "", err
	}
	what, err := p.apply(ctx, db, c, plan)
	if err != nil {
		return "", fmt.Errorf("apply: %w", err)
	}
	after, err := readColumns(ctx, db, common)
	if err != nil {
		return "", err
	}
	if what != "rows may go" && !slices.Equal(before, after) {
		return "", fmt.Errorf("rows changed from\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if extra := slices.DeleteFunc(after, func(row string) bool { return slices.Contains(before, row) }); len(extra) > 0 && !p.valuesExpire() {
		return "", fmt.Errorf("new rows %q", extra)
	}
	if what == "rows do not fit" {
		return what, nil
	}
	if err := p.end(ctx, db, c, to, options); err != nil {
		return "", err
	}
	if _, err := db.Try(ctx, "INSERT INTO t (id) VALUES (1000)"); err != nil {
		return "", fmt.Errorf("the views: %w", err)
	}
	return what, nil
}

// dropTables drops all that the test before has left.
func dropTables(ctx context.Context, db *enginetest.DB) error {
	names, err := db.Try(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY engine != 'MaterializedView' FORMAT TSVRaw")
	if err != nil || names == "" {
		return err
	}
	for name := range strings.SplitSeq(names, "\n") {
		if _, err := db.Try(ctx, "DROP TABLE "+ddl.QuoteIdent(name)+" SYNC"); err != nil {
			return err
		}
	}
	return nil
}

// valuesExpire reports whether the values of single columns may go.
func (p pair) valuesExpire() bool {
	for _, o := range p.to.options.Columns {
		if o.TTL != "" {
			return true
		}
	}
	return false
}

// start makes the table of the first version, with rows.
func (p pair) start(ctx context.Context, db *enginetest.DB, c *migrate.Migrator) (ddl.Table, error) {
	from, err := ddl.NewTable(p.from.schema, p.from.options)
	if err != nil {
		return ddl.Table{}, err
	}
	early := from
	early.Indexes, early.Projections, early.Views = nil, nil, nil
	early.Columns = slices.DeleteFunc(slices.Clone(from.Columns), func(c ddl.Column) bool { return slices.Contains(p.late, c.Name) })
	if err := c.Ensure(ctx, early); err != nil {
		return ddl.Table{}, err
	}
	var names, structure []string
	for _, column := range early.Columns[2:] {
		names = append(names, ddl.QuoteIdent(column.Name))
		structure = append(structure, ddl.QuoteIdent(column.Name)+" "+column.Type)
	}
	structure = append(structure, "unused UInt8")
	insert := fmt.Sprintf("INSERT INTO t (%s) SELECT %s FROM generateRandom(%s, 7, 5, 3) LIMIT 20",
		strings.Join(append([]string{"id", "at"}, names...), ", "),
		strings.Join(append([]string{"rowNumberInAllBlocks()", "toDateTime64('2020-01-01 00:00:00', 3, 'UTC') + toIntervalYear(rowNumberInAllBlocks())"}, names...), ", "),
		ddl.QuoteString(strings.Join(structure, ", ")))
	if _, err := db.Try(ctx, insert); err != nil {
		return ddl.Table{}, err
	}
	return from, c.Ensure(ctx, from)
}

// readColumns returns the rows, in the types of the columns given.
func readColumns(ctx context.Context, db *enginetest.DB, columns []ddl.Column) ([]string, error) {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = fmt.Sprintf("toString(CAST(%s, %s))", ddl.QuoteIdent(c.Name), ddl.QuoteString(c.Type))
	}
	out, err := db.Try(ctx, fmt.Sprintf(readRandom, strings.Join(list, ", ")))
	return strings.Split(out, "\n"), err
}

// apply carries out the plan with all permissions. A rebuild that stops since
// rows do not fit must leave the table as it is.
func (p pair) apply(ctx context.Context, db *enginetest.DB, c *migrate.Migrator, plan diff.Plan) (string, error) {
	what, needs := "rows kept", ddl.MetadataOnly
	for _, s := range plan.Statements {
		needs = max(needs, s.Hazard)
		if s.Hazard == ddl.DeletesData && !strings.Contains(s.SQL, "DROP COLUMN") {
			what = "rows may go"
		}
	}
	create, err := db.Try(ctx, "SHOW CREATE TABLE t")
	if err != nil {
		return "", err
	}
	if needs != ddl.MetadataOnly && plan.Check() == nil {
		only := slices.DeleteFunc(slices.Clone(plan.Statements), func(s diff.Statement) bool { return s.Optional || s.Hazard == ddl.MetadataOnly })
		if len(only) > 0 {
			return "", errors.New("a hazard is not refused without permission")
		}
	}
	err = c.Apply(ctx, plan, ddl.Hazards()...)
	switch {
	case plan.Empty():
		return "nothing to do", err
	case needs < ddl.NeedsRebuild:
		return what, err
	case err == nil && what == "rows kept":
		return "rebuilt", p.putAside(ctx, db)
	case err == nil:
		return what, p.putAside(ctx, db)
	case !errors.As(err, new(*migrate.MisfitError)):
		return "", err
	}
	now, err := db.Try(ctx, "SHOW CREATE TABLE t")
	if err == nil && now != create {
		err = fmt.Errorf("a rebuild that did not take place changed the table to %s", now)
	}
	return "rows do not fit", err
}

// putAside drops the table of before a rebuild, which must be there.
func (p pair) putAside(ctx context.Context, db *enginetest.DB) error {
	before, err := db.Try(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 't_before_')")
	if err == nil && (before == "" || strings.Contains(before, "\n")) {
		err = fmt.Errorf("tables of before the rebuild: %q", before)
	}
	if err != nil {
		return err
	}
	_, err = db.Try(ctx, "DROP TABLE "+before+" SYNC")
	return err
}

// end checks that nothing is left to do, and that the table is the one that
// would be created.
func (p pair) end(ctx context.Context, db *enginetest.DB, c *migrate.Migrator, to ddl.Table, options []diff.Option) error {
	again, err := c.Plan(ctx, to, options...)
	if err != nil {
		return err
	}
	if !again.Empty() {
		return fmt.Errorf("a second plan is not empty: %+v", again.Statements)
	}
	have, err := c.Inspect(ctx, "t")
	if err != nil {
		return err
	}
	to.Database = have.Database
	if to, err = db.Printed(ctx, to); err != nil {
		return err
	}
	want, got := sortedColumns(to), sortedColumns(*have)
	if !p.prune {
		got = managed(got, want, p.to.schema, p.to.options)
		for i := range got.Views { // a comment that the schema does not give
			if j := slices.IndexFunc(want.Views, func(v ddl.View) bool { return v.Name == got.Views[i].Name }); j >= 0 && want.Views[j].Comment == "" {
				got.Views[i].Comment = ""
			}
		}
		got.Columns = slices.DeleteFunc(got.Columns, func(c ddl.Column) bool { _, ok := to.Column(c.Name); return !ok })
		got.Projections = slices.DeleteFunc(got.Projections, func(x ddl.Projection) bool {
			return !slices.ContainsFunc(to.Projections, func(y ddl.Projection) bool { return x.Name == y.Name })
		})
		got.Views = slices.DeleteFunc(got.Views, func(x ddl.View) bool { return !slices.Contains(to.ViewNames(), x.Name) })
		got.Indexes = slices.DeleteFunc(got.Indexes, func(x ddl.Index) bool {
			return !slices.ContainsFunc(to.Indexes, func(y ddl.Index) bool { return x.Name == y.Name })
		})
	}
	if w, g := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got); w != g {
		return fmt.Errorf("the table is\n%s\nand not\n%s", g, w)
	}
	return nil
}

// sortedColumns returns the canonical form with columns, indexes, projections
// and views by name, without queries: whether those are as they should be only a
// plan tells.
func sortedColumns(t ddl.Table) ddl.Table {
	t = sortedIndexes(t)
	for i := range t.Projections {
		t.Projections[i].Select = ""
	}
	for i := range t.Views {
		t.Views[i].Select = ""
	}
	slices.SortFunc(t.Columns, func(a, b ddl.Column) int { return strings.Compare(a.Name, b.Name) })
	return t
}

// shrink drops fields and options as long as the pair fails, and describes what
// is left.
func (p pair) shrink(ctx context.Context, db *enginetest.DB, c *migrate.Migrator) string {
	for again := true; again; {
		again = false
		for _, smaller := range p.smaller() {
			if _, err := smaller.check(ctx, db, c); err != nil && !strings.HasPrefix(err.Error(), "start: ") {
				p, again = smaller, true
				break
			}
		}
	}
	_, err := p.check(ctx, db, c)
	from, _ := ddl.NewTable(p.from.schema, p.from.options)
	to, _ := ddl.NewTable(p.to.schema, p.to.options)
	return fmt.Sprintf("smallest case: %v\nfrom, with the columns %q added later:\n%s\nto (prune %t):\n%s\nplan:\n%+v",
		err, p.late, ddl.CreateSQL(from), p.prune, ddl.CreateSQL(to), diff.MakePlan(to, &from).Statements)
}

// smaller returns pairs that have one thing less.
func (p pair) smaller() []pair {
	var out []pair
	for _, name := range fieldNames(p) {
		if name != "id" && name != "at" {
			out = append(out, p.without(name))
		}
	}
	for i := range 4 {
		q := p
		for _, o := range []*ddl.Options{&q.from.options, &q.to.options} {
			switch i {
			case 0:
				o.Indexes, o.Projections, o.Views = nil, nil, nil
			case 1:
				o.Settings = nil
			case 2:
				o.TTL = ""
			case 3:
				o.Columns = nil
			}
		}
		if fmt.Sprint(q) != fmt.Sprint(p) {
			out = append(out, q)
		}
	}
	return out
}

func fieldNames(p pair) []string {
	var out []string
	for _, f := range slices.Concat(p.from.schema.Fields, p.to.schema.Fields) {
		if !slices.Contains(out, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// without returns the pair without a field.
func (p pair) without(name string) pair {
	for _, v := range []*version{&p.from, &p.to} {
		v.schema.Fields = slices.DeleteFunc(slices.Clone(v.schema.Fields), func(f fact.Field) bool { return f.Name == name })
		columns := make(map[string]ddl.ColumnOptions)
		for k, o := range v.options.Columns {
			if k != name {
				columns[k] = o
			}
		}
		v.options.Columns = columns
		v.options.Indexes = slices.DeleteFunc(slices.Clone(v.options.Indexes), func(x ddl.Index) bool { return x.Expr == ddl.QuoteIdent(name) })
		v.options.Projections = slices.DeleteFunc(slices.Clone(v.options.Projections), func(x ddl.Projection) bool { return x.Name == "of "+name })
		v.options.Views = slices.DeleteFunc(slices.Clone(v.options.Views), func(x ddl.ViewOptions) bool { return x.Name == "v "+name })
	}
	return p
}

func randomPair(seed int) pair {
	g := &generator{rand.New(rand.NewPCG(uint64(seed), 4))}
	p := pair{from: g.version(), prune: g.one(2)}
	p.to = g.evolve(p.from)
	for _, f := range p.from.schema.Fields[2:] {
		if g.one(8) {
			p.late = append(p.late, f.Name)
		}
	}
	return p
}
