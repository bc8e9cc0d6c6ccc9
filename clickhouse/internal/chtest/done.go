package chtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/internal/enginetest"
)

// RequireDone checks that the table is just as if it had been created so, but for what
// want does not give: of that the table keeps its own.
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
	adopt(&want, have)
	require.Equal(t, want.Canonical(), have.Canonical())
	require.Equal(t, want.Fingerprint(), have.Fingerprint())
}

// adopt gives want what it does not say and the table has.
func adopt(want, have *ddl.Table) {
	want.Columns = slices.Clone(want.Columns)
	for i := range want.Columns {
		c := &want.Columns[i]
		own, ok := have.Column(c.Name)
		if !ok {
			continue
		}
		c.Codec = cmp.Or(c.Codec, own.Codec)
		c.TTL = cmp.Or(c.TTL, own.TTL)
		c.Comment = cmp.Or(c.Comment, own.Comment)
		if c.Default == "" {
			c.Default, c.Kind = own.Default, own.Kind
		}
	}
	want.TTL = cmp.Or(want.TTL, have.TTL)
	want.Comment = cmp.Or(want.Comment, have.Comment)
	settings := maps.Clone(have.Settings)
	maps.Copy(settings, want.Settings)
	want.Settings = settings
}

// migrator is what requireDone asks.
type migrator interface {
	Plan(ctx context.Context, table ddl.Table, options ...diff.Option) (diff.Plan, error)
	Inspect(ctx context.Context, table string) (*ddl.Table, error)
}
