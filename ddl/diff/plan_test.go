package diff

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
)

// rendered returns a plan of changes of a table.
func rendered(on ddl.TableName, changes ...change) Plan {
	p := planner{Plan: Plan{Table: on.String()}, on: on, named: on}
	p.render(changes)
	return p.Plan
}

func TestPlanStatements(t *testing.T) {
	t.Parallel()
	on := ddl.TableName{Database: "d`b", Name: "message", Cluster: "c'1"}
	plan := rendered(on,
		modifyColumnType{column: "n", have: "UInt16", want: "UInt32"},
		addColumn{column: ddl.Column{Name: "a", Type: "String", Default: "'x'", Codec: "ZSTD(3)", Comment: "it's", TTL: "t + toIntervalDay(1)"}},
		addColumn{column: ddl.Column{Name: "b", Type: "UInt8"}, after: "a"},
		modifyFixed{what: "sorting key", have: "(a)", want: "(b)"},
		addColumn{column: ddl.Column{Name: "c", Type: "UInt8"}, after: "b"},
		keepColumn(ddl.Column{Name: "z", Type: "Date"}),
	)
	require.True(t, plan.Drift())
	require.Equal(t, Plan{
		Table: "d`b.message",
		Statements: []Statement{
			{SQL: "ALTER TABLE `d\\`b`.`message` ON CLUSTER `c'1` MODIFY COLUMN `n` UInt32", Hazard: ddl.RewritesData, Why: `change column "n" from UInt16 to UInt32; every stored value fits the new type`, Columns: []string{"n"}},
			{
				SQL:    "ALTER TABLE `d\\`b`.`message` ON CLUSTER `c'1`\n    ADD COLUMN IF NOT EXISTS `a` String DEFAULT 'x' COMMENT 'it\\'s' CODEC(ZSTD(3)) TTL t + toIntervalDay(1) FIRST,\n    ADD COLUMN IF NOT EXISTS `b` UInt8 AFTER `a`",
				Hazard: ddl.MetadataOnly, Why: `the table lacks the columns "a", "b"; rows that are there read their defaults`,
			},
			{Hazard: ddl.NeedsRebuild, Why: "change sorting key from (a) to (b)"},
			{SQL: "ALTER TABLE `d\\`b`.`message` ON CLUSTER `c'1` ADD COLUMN IF NOT EXISTS `c` UInt8 AFTER `b`", Hazard: ddl.MetadataOnly, Why: `the table lacks the column "c"; rows that are there read its default`},
		},
		Notes: []string{
			`column "z" Date is in the table but not in the schema; it is kept`,
		},
	}, Plan{Table: plan.Table, Statements: plan.Statements, Notes: plan.Notes})
	require.False(t, plan.Empty())
	require.True(t, rendered(on).Empty())
	require.False(t, rendered(on).Drift())
	kept := rendered(on, keepColumn(ddl.Column{Name: "z", Type: "Date"}))
	require.True(t, kept.Empty())
	require.True(t, kept.Drift())
}

func TestCheck(t *testing.T) {
	t.Parallel()
	free := Statement{SQL: "A", Hazard: ddl.MetadataOnly, Why: "a"}
	rewrite := Statement{SQL: "B", Hazard: ddl.RewritesData, Why: "b"}
	remove := Statement{SQL: "C", Hazard: ddl.DeletesData, Why: "c"}
	rebuild := Statement{Hazard: ddl.NeedsRebuild, Why: "d"}
	for _, c := range []struct {
		name        string
		statements  []Statement
		allowed     []ddl.Hazard
		refused     []Statement
		permissions []ddl.Hazard
	}{
		{name: "nothing"},
		{name: "metadata", statements: []Statement{free}},
		{name: "one of two", statements: []Statement{free, rewrite}, refused: []Statement{rewrite}, permissions: []ddl.Hazard{ddl.RewritesData}},
		{name: "permitted", statements: []Statement{free, rewrite}, allowed: []ddl.Hazard{ddl.RewritesData}},
		{name: "another one permitted", statements: []Statement{remove, rewrite}, allowed: []ddl.Hazard{ddl.RewritesData}, refused: []Statement{remove}, permissions: []ddl.Hazard{ddl.DeletesData}},
		{name: "worse does not include milder", statements: []Statement{remove, rewrite}, allowed: []ddl.Hazard{ddl.NeedsRebuild}, refused: []Statement{remove, rewrite}, permissions: []ddl.Hazard{ddl.RewritesData, ddl.DeletesData}},
		{name: "no statement", statements: []Statement{rebuild}, allowed: ddl.Hazards(), refused: []Statement{rebuild}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := Plan{Table: "t", Statements: c.statements}.Check(c.allowed...)
			if c.refused == nil {
				require.NoError(t, err)
				return
			}
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, &RefusedError{Table: "t", Refused: c.refused, Total: len(c.statements)}, refused)
			require.Equal(t, c.permissions, refused.Permissions())
		})
	}
}

func TestRefusedErrorText(t *testing.T) {
	t.Parallel()
	on := ddl.TableName{Name: "message"}
	plan := rendered(on,
		modifyFixed{what: "sorting key", have: "(id)", want: "(id, at)"},
		modifyColumnType{column: "n", have: "UInt16", want: "UInt32"},
		addColumn{column: ddl.Column{Name: "a", Type: "String"}},
	)
	require.EqualError(t, plan.Check(), `table "message": 2 of 3 changes not permitted, nothing was changed
  needs_rebuild: change sorting key from (id) to (id, at)
    no statement does this in place, and the table cannot be rebuilt
  rewrites_data: change column "n" from UInt16 to UInt32; every stored value fits the new type
    ALTER TABLE `+"`message` MODIFY COLUMN `n`"+` UInt32
  to go on, permit rewrites_data (factload apply --allow rewrites_data, or Config.Allow in a service), or run the statements by hand`)
}

func TestDiffOrder(t *testing.T) {
	t.Parallel()
	want := ddl.Table{Name: "t", Cluster: "c", Engine: "MergeTree", OrderBy: []string{"`a`"}, PartitionBy: "toDate(at)", Columns: []ddl.Column{
		{Name: "a", Type: "String"}, {Name: "b", Type: "UInt32"}, {Name: "new", Type: "String"},
	}}
	have := ddl.Table{Database: "db", Name: "t", Engine: "SummingMergeTree", OrderBy: []string{"b"}, Columns: []ddl.Column{
		{Name: "old", Type: "String"}, {Name: "a", Type: "String"}, {Name: "b", Type: "UInt16"},
	}}
	changes := diff(want, &have)
	require.Equal(t, []change{
		modifyFixed{what: "engine", have: "SummingMergeTree", want: "MergeTree"},
		modifyFixed{what: "sorting key", have: "(b)", want: "(a)"},
		modifyFixed{what: "partition key", have: "none", want: "toDate(at)"},
		modifyColumnType{column: "b", have: "UInt16", want: "UInt32", inKey: true},
		addColumn{column: ddl.Column{Name: "new", Type: "String"}, after: "b"},
		keepColumn(ddl.Column{Name: "old", Type: "String"}),
	}, changes)
	for _, c := range changes {
		require.NotEmpty(t, c.String())
	}
	require.Equal(t, "create table", createTable{want}.String())
}
