package diff_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// rebuildStatements returns every statement of a rebuild of tables that have
// the text in every place.
func rebuildStatements(t *testing.T, text string) []string {
	t.Helper()
	with, without, err := hostileTables(text)
	if err != nil {
		return nil
	}
	with.Cluster, without.Cluster, without.Name = "", "", with.Name
	with.Database, without.Database = text, text
	plan := diff.MakePlan(with, &without)
	require.NotEmpty(t, plan.Statements)
	r := plan.Statements[0].Rebuild
	require.NotNil(t, r, "%+v", plan.Statements)
	other := ddl.TableName{Database: text, Name: rebuild.NewName(text)}
	piece, whole := rebuild.Piece{Part: text, From: 1, To: 2}, rebuild.Piece{Part: text}
	out := r.Outline()
	out = append(out,
		r.CreateSQL(text, "00000000-0000-0000-0000-000000000001"), r.CopySQL(text, other.Name, []rebuild.Piece{piece}, text, map[string]string{"max_threads": "2"}),
		r.CopySQL(text, other.Name, []rebuild.Piece{whole, whole}, text, nil),
		r.SourceSumSQL(text, []rebuild.Piece{piece, piece, whole}), r.TargetSumSQL(text, 1, 2),
		rebuild.FreezeSQL(r.On), rebuild.FenceSQL(r.On), rebuild.RenameTableSQL(r.On, other), rebuild.ExchangeSQL(r.On, other), rebuild.DropCopySQL(other), rebuild.CreateLedgerSQL(text))
	for _, c := range r.Copies {
		out = append(out, r.MisfitSQL(text, c, nil), r.MisfitSQL(text, c, []rebuild.Piece{piece, whole}))
	}
	settings := map[string]string{"max_parts_in_total": text + "x", "parts_to_throw_insert": "5"}
	for _, list := range [][]string{rebuild.UnfenceSQL(r.On, settings), rebuild.ThawSQL(r.On, nil), rebuild.SettleSQL(r.On, settings)} {
		out = append(out, list...)
	}
	return out
}

// TestEveryRebuildStatementParses lets the engine judge whether any text can
// change the shape of a statement.
func TestEveryRebuildStatementParses(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	read := func(sql string) string {
		out, err := db.Try(t.Context(), "EXPLAIN AST "+sql)
		require.NoError(t, err, "%s", sql)
		return shape(out)
	}
	var shapes []string
	for _, sql := range rebuildStatements(t, "harmless") {
		shapes = append(shapes, read(sql))
	}
	require.Greater(t, len(shapes), 20)
	texts := slices.Clone(ddltest.HostileNames)
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		texts = append(texts, ddltest.HostileText(r))
	}
	r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	for _, text := range texts[:12] { // each takes dozens of statements
		for i, sql := range rebuildStatements(t, text) {
			got := read(sql)
			if !strings.ContainsAny(text, "\n\r") { // the engine prints names on several lines
				require.Equal(t, shapes[i], got, "%s", sql)
			}
		}
	}
}

func TestRebuildPlan(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{
		{Name: "id", Type: fact.String}, {Name: "n", Type: fact.UInt32}, {Name: "m", Type: fact.UInt32}, {Name: "at", Type: fact.DateTime64},
	}}
	have := ddltest.NewTable(t, s, ddl.Options{TTL: "at + INTERVAL 1 YEAR"})
	have.Database = "db"
	have.Columns = append(have.Columns, ddl.Column{Name: "theirs", Type: "String"}, ddl.Column{Name: "twice", Type: "UInt64", Kind: ddl.Alias, Default: "n * 2"}, ddl.Column{Name: "gone", Type: "String", Kind: ddl.Ephemeral})
	s.OrderBy = []string{"n"}
	s.Fields = []fact.Field{{Name: "id", Type: fact.LowCardinalityString}, {Name: "n", Type: fact.UInt64}, {Name: "m", Type: fact.UInt16}, {Name: "at", Type: fact.DateTime64}, {Name: "more", Type: fact.String}}
	want := ddltest.NewTable(t, s, ddl.Options{TTL: "at + INTERVAL 1 DAY"})
	plan := diff.MakePlan(want, &have)
	require.True(t, plan.Rebuilds())
	require.Len(t, plan.Statements, 2)
	made, ttl := plan.Statements[0], plan.Statements[1]
	require.Equal(t, ddl.NeedsRebuild, made.Hazard)
	require.Equal(t, ddl.DeletesData, ttl.Hazard)
	require.Equal(t, "ALTER TABLE `db`.`t` MODIFY TTL at + INTERVAL 1 DAY", ttl.SQL)
	require.Equal(t, []rebuild.ColumnCopy{
		{Name: "id", From: "String", To: "LowCardinality(String)"},
		{Name: "n", From: "UInt32", To: "UInt64"},
		{Name: "m", From: "UInt32", To: "UInt16", Checked: true},
		{Name: "at", From: "DateTime64(3, 'UTC')", To: "DateTime64(3, 'UTC')"},
		{Name: "theirs", From: "String", To: "String"},
	}, made.Rebuild.Copies)
	require.Equal(t, have.TTL, made.Rebuild.To.TTL, "nothing is deleted by the rebuild")
	require.Len(t, made.Rebuild.To.Columns, 8)
	require.Len(t, made.Rebuild.Reasons, 5)
	require.Len(t, plan.Notes, 3)
	var refused *diff.RefusedError
	require.ErrorAs(t, plan.Check(ddl.NeedsRebuild), &refused)
	require.Equal(t, []ddl.Hazard{ddl.DeletesData}, refused.Permissions())
	require.NoError(t, plan.Check(ddl.NeedsRebuild, ddl.DeletesData))

	for _, change := range []func(want, have *ddl.Table){
		func(want, _ *ddl.Table) { want.Cluster = "c" },
		func(want, _ *ddl.Table) { want.Engine = "ReplicatedMergeTree" },
		func(_, have *ddl.Table) { have.Engine = "ReplicatedMergeTree('/x', '{replica}')" },
		func(_, have *ddl.Table) { have.Engine = "Memory" },
		func(_, have *ddl.Table) {
			have.Columns = append(slices.Clone(have.Columns), ddl.Column{Name: "_part", Type: "String"})
		},
		func(_, have *ddl.Table) { have.Name = strings.Repeat("x", 200) },
		func(_, have *ddl.Table) { have.Rebuild = &ddl.RebuildState{Obstacles: []string{"the stars are wrong"}} },
	} {
		want, have := want, have
		change(&want, &have)
		plan := diff.MakePlan(want, &have)
		require.False(t, plan.Rebuilds())
		require.ErrorAs(t, plan.Check(ddl.Hazards()...), &refused)
		require.ErrorContains(t, refused, "; it cannot be rebuilt, since ")
		require.Empty(t, refused.Permissions())
	}
}

// What is left of a rebuild shows in the plan.
func TestPlanDuringARebuild(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String}}}
	want := ddltest.NewTable(t, s, ddl.Options{})
	have := want
	have.Database = "db"
	have.Rebuild = &ddl.RebuildState{Settings: true, Other: "t_rebuild"}
	plan := diff.MakePlan(want, &have)
	require.Empty(t, plan.Statements)
	require.Len(t, plan.Notes, 1)
	require.Contains(t, plan.Notes[0], "DROP TABLE `db`.`t_rebuild`; ALTER TABLE `db`.`t` RESET SETTING max_bytes_to_merge_at_max_space_in_pool, max_parts_in_total, parts_to_delay_insert, parts_to_throw_insert")

	have.Rebuild = &ddl.RebuildState{Settings: true, Exchanged: true, Other: "t_rebuild_1"}
	have.Settings = nil // the one for the copy has been taken away
	plan = diff.MakePlan(want, &have)
	require.Len(t, plan.Statements, 1)
	require.True(t, plan.Statements[0].Rebuild.Finish)
	require.Equal(t, ddl.MetadataOnly, plan.Statements[0].Hazard)
	require.Contains(t, plan.Statements[0].SQL, "RENAME TABLE `db`.`t_rebuild_1` TO `db`.`t_before_YYYYMMDD`")
	require.NoError(t, plan.Check())
}
