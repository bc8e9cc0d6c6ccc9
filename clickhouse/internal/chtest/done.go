package chtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

// RequireDone checks that the table is just as if it had been created so.
func RequireDone(t testing.TB, db *enginetest.DB, c migrator, want ddl.Table) {
	t.Helper()
	plan, err := c.Plan(t.Context(), want)
	require.NoError(t, err)
	require.Empty(t, plan.Statements)
	have, err := c.Inspect(t.Context(), want.Name)
	require.NoError(t, err)
	want, err = db.Printed(t.Context(), want)
	require.NoError(t, err)
	want.Database = db.Name
	require.Equal(t, want.Canonical(), have.Canonical())
	require.Equal(t, want.Fingerprint(), have.Fingerprint())
}

// migrator is what requireDone asks.
type migrator interface {
	Plan(ctx context.Context, table ddl.Table, options ...ddl.DiffOption) (ddl.Plan, error)
	Inspect(ctx context.Context, table string) (*ddl.Table, error)
}
