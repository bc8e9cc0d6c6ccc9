package diff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
)

// A column of JSON from before there was a mark needs nothing, and one of text does.
func TestJSONWithoutMark(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "t", Fields: []fact.Field{{Name: "j", Type: fact.JSON, Comment: "theirs"}}}
	want := ddltest.NewTable(t, s, ddl.Options{})
	require.Contains(t, ddl.CreateSQL(want), "`j` String DEFAULT '{}' COMMENT '[json] theirs'")
	have := want
	have.Database = "db"
	have.Columns = []ddl.Column{want.Columns[0]}
	have.Columns[0].JSON = false
	plan := diff.MakePlan(want, &have)
	require.Empty(t, plan.Statements)
	require.Empty(t, plan.Notes)

	have.Columns[0].Default = ""
	plan = diff.MakePlan(want, &have)
	require.Len(t, plan.Statements, 2)
	require.Equal(t, "ALTER TABLE `db`.`t` COMMENT COLUMN `j` '[json] theirs'", plan.Statements[0].SQL)
	require.Equal(t, ddl.MetadataOnly, plan.Statements[0].Hazard)
	require.Len(t, plan.Statements[0].Check.Copies, 1)
	require.True(t, plan.Statements[0].Check.Copies[0].Checked)
	require.NoError(t, plan.Check())

	text := ddltest.NewTable(t, fact.Schema{Name: "t", Fields: []fact.Field{{Name: "j", Type: fact.String, Comment: "theirs"}}}, ddl.Options{})
	have = want
	plan = diff.MakePlan(text, &have)
	require.True(t, plan.Rebuilds())
	require.Contains(t, plan.Statements[0].Why, `change column "j" from String(JSON) to String`)
	require.True(t, have.Takes(text.Columns), "an insert looks whether the text is JSON")
	require.True(t, text.Takes(want.Columns))

	s.Fields[0].Comment = "[json] mine"
	_, err := ddl.NewTable(s, ddl.Options{})
	require.ErrorContains(t, err, "which marks columns of JSON text")
}
