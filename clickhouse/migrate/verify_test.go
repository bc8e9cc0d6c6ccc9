package migrate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// A statement that the server has accepted and that the table does not show is an
// error.
func TestApplyLooksAtWhatItHasDone(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	m := New(open(t, db.DSN).Client)
	want, err := ddl.NewTable(fact.Schema{Name: "t", Fields: []fact.Field{{Name: "id", Type: fact.String}}}, ddl.Options{})
	require.NoError(t, err)
	plan, err := m.Plan(t.Context(), want)
	require.NoError(t, err)
	run := &applyRun{m: m, plan: plan, applied: plan.Statements}
	var partial *PartialError
	require.ErrorAs(t, run.verify(t.Context()), &partial)
	require.ErrorIs(t, partial, errNotShown)
	require.Empty(t, partial.Applied)
	require.Equal(t, plan.Statements[0], partial.Failed)
	require.NoError(t, m.Apply(t.Context(), plan))
	require.NoError(t, run.verify(t.Context()))
}
