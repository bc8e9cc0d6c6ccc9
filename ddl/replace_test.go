package ddl_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

func TestReplaceBy(t *testing.T) {
	t.Parallel()
	s := fact.Schema{Name: "t", OrderBy: []string{"id"}, ReplaceBy: "updated at", Fields: []fact.Field{
		{Name: "id"}, {Name: "updated at", Type: fact.DateTime64},
	}}
	for given, want := range map[string]string{
		"":                      "ReplacingMergeTree(`updated at`)",
		"MergeTree":             "ReplacingMergeTree(`updated at`)",
		"ReplicatedMergeTree()": "ReplicatedReplacingMergeTree(`updated at`)",
	} {
		table, err := ddl.NewTable(s, ddl.Options{Engine: given})
		require.NoError(t, err)
		require.Equal(t, want, table.Engine)
	}
	for _, given := range []string{"ReplacingMergeTree(version)", "SummingMergeTree"} {
		_, err := ddl.NewTable(s, ddl.Options{Engine: given})
		require.ErrorContains(t, err, "does not go with replace_by, which makes it ReplacingMergeTree(updated at): leave one of them out")
		var option *ddl.OptionError
		require.ErrorAs(t, err, &option)
		require.Equal(t, "engine", option.Option)
	}
	_, err := ddl.NewTable(s, ddl.Options{Engine: "Nonsense"})
	require.ErrorContains(t, err, "is not supported")
	_, err = ddl.NewTable(s, ddl.Options{Projections: []ddl.Projection{{Name: "p", Select: "SELECT id ORDER BY id"}}})
	require.ErrorContains(t, err, "need settings.")
}
