package ddl_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
)

func TestPlanStatements(t *testing.T) {
	t.Parallel()
	on := ddl.TableName{Database: "d`b", Name: "message", Cluster: "c'1"}
	plan := ddl.NewPlan([]ddl.Change{
		ddl.ModifyColumnType{On: on, Column: "n", Have: "UInt16", Want: "UInt32"},
		ddl.AddColumn{On: on, Column: ddl.Column{Name: "a", Type: "String", Default: "'x'", Codec: "ZSTD(3)", Comment: "it's", TTL: "t + toIntervalDay(1)"}},
		ddl.AddColumn{On: on, Column: ddl.Column{Name: "b", Type: "UInt8"}, After: "a"},
		ddl.ModifySortingKey{On: on, Have: []string{"a"}, Want: []string{"b"}},
		ddl.AddColumn{On: on, Column: ddl.Column{Name: "c", Type: "UInt8"}, After: "b"},
		ddl.KeepColumn{On: on, Column: ddl.Column{Name: "z", Type: "Date"}},
		ddl.Unverified{On: on, What: "partition key", Have: "toYear(b)", Want: "YEAR(b)"},
	})
	require.True(t, plan.Drift())
	require.Equal(t, ddl.Plan{
		Table: "d`b.message",
		Statements: []ddl.Statement{
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
			"partition key cannot be compared for certain: the table has toYear(b), the schema says YEAR(b)",
		},
	}, ddl.Plan{Table: plan.Table, Statements: plan.Statements, Notes: plan.Notes})
	require.False(t, plan.Empty())
	require.True(t, ddl.NewPlan(nil).Empty())
	require.False(t, ddl.NewPlan(nil).Drift())
	kept := ddl.NewPlan([]ddl.Change{ddl.KeepColumn{On: on, Column: ddl.Column{Name: "z", Type: "Date"}}})
	require.True(t, kept.Empty())
	require.True(t, kept.Drift())
}

func TestCheck(t *testing.T) {
	t.Parallel()
	free := ddl.Statement{SQL: "A", Hazard: ddl.MetadataOnly, Why: "a"}
	rewrite := ddl.Statement{SQL: "B", Hazard: ddl.RewritesData, Why: "b"}
	remove := ddl.Statement{SQL: "C", Hazard: ddl.DeletesData, Why: "c"}
	rebuild := ddl.Statement{Hazard: ddl.NeedsRebuild, Why: "d"}
	for _, c := range []struct {
		name        string
		statements  []ddl.Statement
		allowed     []ddl.Hazard
		refused     []ddl.Statement
		permissions []ddl.Hazard
	}{
		{name: "nothing"},
		{name: "metadata", statements: []ddl.Statement{free}},
		{name: "one of two", statements: []ddl.Statement{free, rewrite}, refused: []ddl.Statement{rewrite}, permissions: []ddl.Hazard{ddl.RewritesData}},
		{name: "permitted", statements: []ddl.Statement{free, rewrite}, allowed: []ddl.Hazard{ddl.RewritesData}},
		{name: "another one permitted", statements: []ddl.Statement{remove, rewrite}, allowed: []ddl.Hazard{ddl.RewritesData}, refused: []ddl.Statement{remove}, permissions: []ddl.Hazard{ddl.DeletesData}},
		{name: "worse does not include milder", statements: []ddl.Statement{remove, rewrite}, allowed: []ddl.Hazard{ddl.NeedsRebuild}, refused: []ddl.Statement{remove, rewrite}, permissions: []ddl.Hazard{ddl.RewritesData, ddl.DeletesData}},
		{name: "no statement", statements: []ddl.Statement{rebuild}, allowed: ddl.Hazards(), refused: []ddl.Statement{rebuild}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := ddl.Plan{Table: "t", Statements: c.statements}.Check(c.allowed...)
			if c.refused == nil {
				require.NoError(t, err)
				return
			}
			var refused *ddl.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, &ddl.RefusedError{Table: "t", Refused: c.refused, Total: len(c.statements)}, refused)
			require.Equal(t, c.permissions, refused.Permissions())
		})
	}
}

func TestRefusedErrorText(t *testing.T) {
	t.Parallel()
	on := ddl.TableName{Name: "message"}
	plan := ddl.NewPlan([]ddl.Change{
		ddl.ModifySortingKey{On: on, Have: []string{"id"}, Want: []string{"id", "at"}},
		ddl.ModifyColumnType{On: on, Column: "n", Have: "UInt16", Want: "UInt32"},
		ddl.AddColumn{On: on, Column: ddl.Column{Name: "a", Type: "String"}},
	})
	require.EqualError(t, plan.Check(), `table "message": 2 of 3 changes not permitted, nothing was changed
  needs_rebuild: change sorting key from (id) to (id, at)
    no statement does this in place, and the table cannot be rebuilt
  rewrites_data: change column "n" from UInt16 to UInt32; every stored value fits the new type
    ALTER TABLE `+"`message` MODIFY COLUMN `n`"+` UInt32
  to go on, permit rewrites_data (factload apply --allow rewrites_data, or Config.Allow in a service), or run the statements by hand`)
}

func TestHazards(t *testing.T) {
	t.Parallel()
	for _, h := range ddl.Hazards() {
		got, err := ddl.ParseHazard(h.String())
		require.NoError(t, err)
		require.Equal(t, h, got)
	}
	_, err := ddl.ParseHazard("boom")
	require.EqualError(t, err, `unknown hazard "boom": want one of metadata_only, rewrites_data, deletes_data, needs_rebuild`)
	require.Equal(t, "hazard(9)", ddl.Hazard(9).String())
}

func TestDiffOrder(t *testing.T) {
	t.Parallel()
	want := ddl.Table{Name: "t", Cluster: "c", Engine: "MergeTree", OrderBy: []string{"`a`"}, PartitionBy: "toDate(at)", Columns: []ddl.Column{
		{Name: "a", Type: "String"}, {Name: "b", Type: "UInt32"}, {Name: "new", Type: "String"},
	}}
	have := ddl.Table{Database: "db", Name: "t", Engine: "SummingMergeTree", OrderBy: []string{"b"}, Columns: []ddl.Column{
		{Name: "old", Type: "String"}, {Name: "a", Type: "String"}, {Name: "b", Type: "UInt16"},
	}}
	on := ddl.TableName{Database: "db", Name: "t", Cluster: "c"}
	require.Equal(t, []ddl.Change{
		ddl.ModifyEngine{On: on, Have: "SummingMergeTree", Want: "MergeTree"},
		ddl.ModifySortingKey{On: on, Have: []string{"b"}, Want: []string{"a"}},
		ddl.ModifyPartitionKey{On: on, Want: "toDate(at)"},
		ddl.ModifyColumnType{On: on, Column: "b", Have: "UInt16", Want: "UInt32", InKey: true},
		ddl.AddColumn{On: on, Column: ddl.Column{Name: "new", Type: "String"}, After: "b"},
		ddl.KeepColumn{On: on, Column: ddl.Column{Name: "old", Type: "String"}},
	}, ddl.Diff(want, &have))
	for _, c := range ddl.Diff(want, &have) {
		require.Equal(t, on, c.Table())
		require.NotEmpty(t, c.String())
	}
	require.Equal(t, "create table", ddl.CreateTable{Want: want}.String())
	require.Equal(t, "t", ddl.CreateTable{Want: want}.Table().String())
}
