package diff_test

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/rebuildhook"
	"github.com/factload/factload/schemas"
)

// state is one file of testdata/states: a table of the past and what becomes
// of it.
type state struct {
	statements []string // that made the table and its rows
	schema     schemas.Definition
	allow      []ddl.Hazard
	options    []diff.Option
	kept       []string // the columns, indexes and projections that the schema lacks
	refused    []string // what the plan is refused for
	misfits    string   // why rows do not fit
	query      string
	rows       string
}

func readState(t *testing.T, path string) state {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	s := state{query: "SELECT * FROM t ORDER BY 1"}
	for _, f := range archive.Files {
		text := strings.TrimSuffix(string(f.Data), "\n")
		switch f.Name {
		case "state.sql":
			s.statements = strings.Split(strings.TrimSuffix(text, ";"), ";\n")
		case "schema.yaml":
			defs, err := schemas.Parse(path, f.Data)
			require.NoError(t, err)
			require.Len(t, defs, 1)
			s.schema = defs[0]
		case "allow":
			for name := range strings.Lines(string(f.Data)) {
				if name == "prune\n" {
					s.options = append(s.options, diff.Prune)
					continue
				}
				h, err := ddl.ParseHazard(strings.TrimSpace(name))
				require.NoError(t, err)
				s.allow = append(s.allow, h)
			}
		case "kept":
			s.kept = strings.Split(text, "\n")
		case "refused":
			s.refused = strings.Split(text, "\n")
		case "misfits":
			s.misfits = text
		case "query.sql":
			s.query = text
		case "rows.tsv":
			s.rows = text
		default:
			t.Fatalf("%s: unknown section %q", path, f.Name)
		}
	}
	return s
}

// TestStates brings tables from every stored past state to their schema: the
// result is the table that is created today, a second plan is empty, and the
// rows say what they did.
func TestStates(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "states", "*.txtar"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 12)
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := readState(t, path)
			db := enginetest.Database(t)
			for _, sql := range s.statements {
				db.Exec(t, sql)
			}
			switch {
			case len(s.refused) > 0:
				s.requireRefused(t, db)
			case s.misfits != "":
				s.requireMisfits(t, db)
			default:
				s.requireReached(t, db)
			}
			require.Equal(t, s.rows, db.Query(t, s.query+" FORMAT TSV"))
		})
	}
}

func openMigrator(t *testing.T, db *enginetest.DB) *migrate.Migrator {
	t.Helper()
	c, err := chconn.Open(db.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return migrate.New(c)
}

// atOnce is for rebuilds of tables into which nobody inserts meanwhile.
func atOnce(ctx context.Context) context.Context {
	return rebuildhook.With(ctx, rebuildhook.Hook{})
}

func (s state) requireReached(t *testing.T, db *enginetest.DB) {
	t.Helper()
	c := openMigrator(t, db)
	want := ddltest.NewTable(t, s.schema.Schema, s.schema.Table)
	tables, err := ddl.Expand(want)
	require.NoError(t, err)
	targets := tables[:len(tables)-1]
	require.NoError(t, c.EnsureAllowing(atOnce(t.Context()), s.allow, targets...))
	plan, err := c.Plan(t.Context(), want, s.options...)
	require.NoError(t, err)
	for i := range s.allow { // each of the permissions is needed
		var refused *diff.RefusedError
		require.ErrorAs(t, plan.Check(slices.Delete(slices.Clone(s.allow), i, i+1)...), &refused, "%s is not needed", s.allow[i])
	}
	require.NoError(t, c.Apply(atOnce(t.Context()), plan, s.allow...))

	again, err := c.Plan(t.Context(), want, s.options...)
	require.NoError(t, err)
	require.Empty(t, again.Statements)
	require.Len(t, again.Notes, len(s.kept))
	for i, name := range s.kept {
		require.Contains(t, again.Notes[i], name)
	}

	have, err := c.Inspect(t.Context(), "t")
	require.NoError(t, err)
	fresh := freshTable(t, tables)
	have.Columns = slices.DeleteFunc(have.Columns, func(c ddl.Column) bool { _, ok := fresh.Column(c.Name); return !ok && slices.Contains(s.kept, c.Name) })
	have.Indexes = slices.DeleteFunc(have.Indexes, func(x ddl.Index) bool { return slices.Contains(s.kept, x.Name) })
	have.Projections = slices.DeleteFunc(have.Projections, func(p ddl.Projection) bool { return slices.Contains(s.kept, p.Name) })
	have.Views = slices.DeleteFunc(have.Views, func(v ddl.View) bool { return slices.Contains(s.kept, v.Name) })
	require.Equal(t, sortedIndexes(fresh), sortedIndexes(managed(*have, fresh, s.schema.Schema, s.schema.Table)))
	db.Exec(t, "DETACH TABLE t SYNC")
	db.Exec(t, "ATTACH TABLE t")
	for _, table := range tables {
		empty, err := c.Plan(t.Context(), table, s.options...)
		require.NoError(t, err)
		require.Empty(t, empty.Statements)
	}
}

// managed returns the table with what its schema does not give as a new table has
// it: of that a plan takes nothing away.
func managed(have, fresh ddl.Table, s fact.Schema, o ddl.Options) ddl.Table {
	have.Columns = slices.Clone(have.Columns)
	for i := range have.Columns {
		c := &have.Columns[i]
		f, _ := s.FieldByName(c.Name)
		to, _ := fresh.Column(c.Name)
		if f.Default == nil {
			c.Default = to.Default
		}
		if o.Columns[c.Name].Codec == "" {
			c.Codec = to.Codec
		}
		if o.Columns[c.Name].TTL == "" {
			c.TTL = to.TTL
		}
		if f.Comment == "" {
			c.Comment = to.Comment
		}
	}
	if o.TTL == "" {
		have.TTL = fresh.TTL
	}
	if o.Comment == "" {
		have.Comment = fresh.Comment
	}
	have.Settings = maps.Clone(have.Settings)
	for name := range have.Settings {
		if value, ok := fresh.Settings[name]; !ok {
			delete(have.Settings, name)
		} else if o.Settings[name] == "" {
			have.Settings[name] = value
		}
	}
	return have
}

// freshTable returns the last of the tables as the engine has it when they are
// newly created.
func freshTable(t *testing.T, tables []ddl.Table) ddl.Table {
	t.Helper()
	db := enginetest.Database(t)
	for _, table := range tables {
		for _, s := range diff.MakePlan(table, nil).Statements {
			db.Exec(t, s.SQL)
		}
	}
	have, err := openMigrator(t, db).Inspect(t.Context(), tables[len(tables)-1].Name)
	require.NoError(t, err)
	return *have
}

// sortedIndexes returns the canonical form with the indexes and projections in
// the order of their names: a new one comes last.
func sortedIndexes(t ddl.Table) ddl.Table {
	t = t.Canonical()
	slices.SortFunc(t.Indexes, func(a, b ddl.Index) int { return cmp.Compare(a.Name, b.Name) })
	if len(t.Indexes) == 0 {
		t.Indexes = nil
	}
	slices.SortFunc(t.Projections, func(a, b ddl.Projection) int { return cmp.Compare(a.Name, b.Name) })
	if len(t.Projections) == 0 {
		t.Projections = nil
	}
	for i := range t.Views {
		t.Views[i].To.Database = ""
	}
	if len(t.Views) == 0 {
		t.Views = nil
	}
	t.Database = ""
	return t
}

func (s state) requireRefused(t *testing.T, db *enginetest.DB) {
	t.Helper()
	c := openMigrator(t, db)
	before := db.Query(t, "SHOW CREATE TABLE t")
	plan, err := c.Plan(t.Context(), ddltest.NewTable(t, s.schema.Schema, s.schema.Table), s.options...)
	require.NoError(t, err)
	var refused *diff.RefusedError
	require.ErrorAs(t, c.Apply(atOnce(t.Context()), plan, s.allow...), &refused)
	require.Len(t, refused.Refused, len(s.refused))
	for i, text := range s.refused {
		require.Contains(t, refused.Refused[i].Why, text)
	}
	require.Equal(t, before, db.Query(t, "SHOW CREATE TABLE t"))
}

// requireMisfits checks that a rebuild stops at values that do not fit, and
// leaves the table as it is.
func (s state) requireMisfits(t *testing.T, db *enginetest.DB) {
	t.Helper()
	c := openMigrator(t, db)
	before := db.Query(t, "SHOW CREATE TABLE t")
	plan, err := c.Plan(t.Context(), ddltest.NewTable(t, s.schema.Schema, s.schema.Table), s.options...)
	require.NoError(t, err)
	err = c.Apply(atOnce(t.Context()), plan, s.allow...)
	var misfit *migrate.MisfitError
	require.ErrorAs(t, err, &misfit)
	require.Contains(t, misfit.Error(), s.misfits)
	require.Equal(t, before, db.Query(t, "SHOW CREATE TABLE t"))
	require.Equal(t, "t", db.Query(t, "SHOW TABLES"))
}
