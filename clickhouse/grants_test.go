package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// asWriter does all that a writer does.
func asWriter(ctx context.Context, t *testing.T, dsn string) error {
	return errors.Join(asRecorder(ctx, t, dsn), asReplayer(ctx, t, dsn), asLoader(ctx, t, dsn), ask(ctx, t, dsn, "SELECT count() FROM system.parts"))
}

// asReader does all that a reader does.
func asReader(ctx context.Context, t *testing.T, dsn string) error {
	client := open(t, dsn)
	m := migrate.New(client)
	_, inspected := m.Inspect(ctx, idSchema.Name)
	_, stored := m.Storage(ctx, idSchema.Name)
	_, loads := bulk.Loads(ctx, client)
	return errors.Join(inspected, stored, loads, ask(ctx, t, dsn, "SELECT count() FROM with_id"))
}

func ask(ctx context.Context, t *testing.T, dsn, sql string) error {
	var out []struct {
		N uint64 `ch:"count()"`
	}
	return open(t, dsn).Select(ctx, &out, sql)
}

// asMigrator creates tables and views, changes a table, and rebuilds it.
func asMigrator(ctx context.Context, t *testing.T, dsn string) error {
	target := func(name, engine string) ddl.ViewOptions {
		return ddl.ViewOptions{
			Name: name + "_view", To: name, Select: "SELECT id, n FROM managed",
			Target: ddl.TargetOptions{Engine: engine, OrderBy: []string{"id"}, Columns: []ddl.TargetColumn{{Name: "id", Type: "String"}, {Name: "n", Type: "UInt64"}}},
		}
	}
	options := ddl.Options{
		PartitionBy: "intDiv(n, 1000)",
		Indexes:     []ddl.Index{{Name: "n_index", Expr: "n", Type: "minmax"}},
		Projections: []ddl.Projection{{Name: "by_n", Select: "SELECT * ORDER BY n"}},
		Views:       []ddl.ViewOptions{target("managed_last", "ReplacingMergeTree"), target("managed_sum", "SummingMergeTree"), target("managed_all", "AggregatingMergeTree")},
	}
	ensure := func(s fact.Schema) error {
		s.Name = "managed"
		return materializer(t, Config{DSN: dsn, RetryBudget: -1, Tables: map[string]ddl.Options{"managed": options}, Allow: []ddl.Hazard{ddl.NeedsRebuild, ddl.RewritesData}}).EnsureSchema(ctx, s)
	}
	schema := idSchema
	if err := ensure(schema); err != nil {
		return err
	}
	schema.Fields = append(slices.Clone(schema.Fields), fact.Field{Name: "more", Type: fact.UInt64})
	options.Views[0].Select = "SELECT id, n + 1 AS n FROM managed"
	if err := ensure(schema); err != nil {
		return err
	}
	schema.OrderBy = []string{"n", "id"}
	options.Projections = nil
	options.Indexes = nil
	return ensure(schema)
}

// TestGrants does all that a role does as a user with its grants, and not without any
// one of them.
func TestGrants(t *testing.T) {
	t.Parallel()
	does := map[Role]func(ctx context.Context, t *testing.T, dsn string) error{Writer: asWriter, Reader: asReader, Migrator: asMigrator}
	var users []embedded.User
	for _, role := range Roles() {
		grants := Grants(role, "factload")
		users = append(users, embedded.User{Name: string(role), Password: "p", Grants: grants})
		for i := range grants {
			users = append(users, embedded.User{Name: fmt.Sprint(role, i), Password: "p", Grants: slices.Delete(slices.Clone(grants), i, i+1)})
		}
	}
	engine := enginetest.Start(t, embedded.Config{Users: users})
	admin := &enginetest.DB{Name: "factload", DSN: engine.DSN(), HTTPDSN: engine.HTTPDSN()}
	require.NoError(t, materializer(t, Config{DSN: admin.DSN}).EnsureSchema(t.Context(), idSchema))
	clean := func() {
		for _, name := range strings.Fields(admin.Query(t, "SELECT name FROM system.tables WHERE database = 'factload' AND (name LIKE 'managed%' OR name LIKE '\\_factload%') ORDER BY engine != 'MaterializedView'")) {
			admin.Exec(t, "DROP TABLE IF EXISTS `"+name+"` SYNC")
		}
	}
	for _, role := range Roles() {
		as := func(user string) string {
			return chtest.WithDSN(t, admin.DSN, func(u *url.URL) { u.User = url.UserPassword(user, "p") })
		}
		clean()
		require.NoError(t, does[role](t.Context(), t, chtest.WithDSN(t, admin.HTTPDSN, func(u *url.URL) { u.User = url.UserPassword(string(role), "p") })), "%s over HTTP", role)
		clean()
		require.NoError(t, does[role](t.Context(), t, as(string(role))), role)
		for i, grant := range Grants(role, "factload") {
			clean()
			require.Error(t, does[role](t.Context(), t, as(fmt.Sprint(role, i))), "%s without %s", role, grant)
		}
	}
	require.Nil(t, Grants("owner", "d"))
}
