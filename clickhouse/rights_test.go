package clickhouse

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// role is what somebody does, and the least rights for it. Docs/recording.md lists
// them.
type role struct {
	grants []string
	do     func(ctx context.Context, t *testing.T, dsn string) error
}

// asRecorder records, into a table that is there.
func asRecorder(ctx context.Context, t *testing.T, dsn string) error {
	m := materializer(t, Config{DSN: dsn, RetryBudget: -1})
	if err := m.EnsureSchema(ctx, idSchema); err != nil {
		return err
	}
	return m.Materialize(ctx, idFact(fact.NewEventID()))
}

// asReplayer looks for facts in the table, and for the rows of a repeated insert.
func asReplayer(ctx context.Context, t *testing.T, dsn string) error {
	m := materializer(t, Config{DSN: dsn, RetryBudget: -1})
	if err := m.EnsureSchema(ctx, idSchema); err != nil {
		return err
	}
	if _, err := m.MaterializeMissing(ctx, idFact("a"), idFact(fact.NewEventID())); err != nil {
		return err
	}
	return insertAgain(ctx, t, dsn, "with_id", func() {})
}

// insertAgain repeats an insert, after something has happened to its rows.
func insertAgain(ctx context.Context, t *testing.T, dsn, table string, lose func()) error {
	c := open(t, dsn)
	schema := idSchema
	schema.Name = table
	in := insert.Insert{Table: table, Token: fact.NewEventID(), Block: chtest.BlockOf(t, chtest.Compile(t, schema), fmt.Sprintf(`{"id":%q,"n":1}`, fact.NewEventID()))}
	inserter := insert.New(c)
	if err := inserter.Insert(ctx, in); err != nil {
		return err
	}
	lose()
	in.Again = true
	return inserter.Insert(ctx, in)
}

// asManager creates a table, and changes it.
func asManager(ctx context.Context, t *testing.T, dsn string) error {
	schema := idSchema
	schema.Name = "managed"
	if err := materializer(t, Config{DSN: dsn, RetryBudget: -1}).EnsureSchema(ctx, schema); err != nil {
		return err
	}
	schema.Fields = append(slices.Clone(schema.Fields), fact.Field{Name: "more", Type: fact.UInt64})
	return materializer(t, Config{DSN: dsn, RetryBudget: -1}).EnsureSchema(ctx, schema)
}

// asLoader loads a file.
func asLoader(ctx context.Context, t *testing.T, dsn string) error {
	path := filepath.Join(t.TempDir(), "facts.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"`+fact.NewEventID()+`","n":1}`+"\n"), 0o600))
	_, err := bulk.Load(ctx, bulk.Config{Client: open(t, dsn), Schema: idSchema.Name, Inputs: []string{path}, Targets: map[string]bulk.Target{idSchema.Name: {Schema: idSchema}}})
	return err
}

// TestLeastRights does what is to be done with just the rights that it takes, over both protocols. Without
// any one of them, the error names what it is for.
func TestLeastRights(t *testing.T) {
	t.Parallel()
	var admin *enginetest.DB
	viewed := func(lose string) func(ctx context.Context, t *testing.T, dsn string) error {
		return func(ctx context.Context, t *testing.T, dsn string) error {
			return insertAgain(ctx, t, dsn, "viewed", func() { admin.Exec(t, "ALTER TABLE "+lose+" DELETE WHERE 1 SETTINGS mutations_sync = 2") })
		}
	}
	record := []string{"INSERT ON factload.with_id", "SELECT ON system.merge_tree_settings", "SELECT ON system.data_skipping_indices"}
	views := []string{"SELECT ON factload.view", "SELECT ON factload.target", "INSERT ON factload.target"}
	again := []string{"SELECT ON factload.viewed", "INSERT ON factload.viewed"}
	roles := map[string]role{
		"recorder": {record, asRecorder},
		"replayer": {slices.Concat(record, []string{"SELECT ON factload.with_id", "SELECT ON system.processes"}), asReplayer},
		"viewer":   {slices.Concat(again, record[1:], views), viewed("target")},
		"adder": {slices.Concat(again, record[1:], views[:2], []string{
			"CREATE TABLE ON factload._factload_again_*", "DROP TABLE ON factload._factload_again_*", "SELECT ON factload._factload_again_*",
			"INSERT ON factload._factload_again_*", "TABLE ENGINE ON MergeTree", "ALTER DELETE ON factload.viewed",
		}), viewed("viewed")},
		"manager": {slices.Concat([]string{"CREATE TABLE ON factload.managed", "ALTER TABLE ON factload.managed", "TABLE ENGINE ON MergeTree", "SELECT ON system.parts", "SELECT ON system.parts_columns"}, record[2:]), asManager},
		"loader": {slices.Concat(record, []string{
			"CREATE TABLE ON factload._factload_ledger", "SELECT ON factload._factload_ledger", "INSERT ON factload._factload_ledger", "TABLE ENGINE ON MergeTree",
		}), asLoader},
	}
	var users []embedded.User
	for name, r := range roles {
		users = append(users, embedded.User{Name: name, Password: "p", Grants: r.grants})
		for i := range r.grants {
			users = append(users, embedded.User{Name: fmt.Sprint(name, i), Password: "p", Grants: slices.Delete(slices.Clone(r.grants), i, i+1)})
		}
	}
	engine := enginetest.Start(t, embedded.Config{Users: users})
	admin = &enginetest.DB{Name: "factload", DSN: engine.DSN(), HTTPDSN: engine.HTTPDSN()}
	as := func(dsn, user string) string {
		return chtest.WithDSN(t, dsn, func(u *url.URL) { u.User = url.UserPassword(user, "p") })
	}
	schema := idSchema
	schema.Name = "viewed"
	require.NoError(t, materializer(t, Config{DSN: admin.DSN}).EnsureSchema(t.Context(), idSchema, schema))
	admin.Exec(t, "CREATE TABLE target (id String, n UInt32) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100")
	admin.Exec(t, "CREATE MATERIALIZED VIEW view TO target AS SELECT id, n FROM viewed")
	for _, dsn := range []string{admin.DSN, admin.HTTPDSN} {
		for name, r := range roles {
			for i, grant := range r.grants {
				admin.Exec(t, "DROP TABLE IF EXISTS managed SYNC")
				admin.Exec(t, "DROP TABLE IF EXISTS _factload_ledger SYNC")
				err := r.do(t.Context(), t, as(dsn, fmt.Sprint(name, i)))
				require.Error(t, err, "%s without %s", name, grant)
				_, object, _ := strings.Cut(grant, " ON ")
				object, _, _ = strings.Cut(strings.TrimPrefix(object, "factload."), "*")
				require.ErrorContains(t, err, object, "%s without %s", name, grant)
			}
			for _, sql := range []string{"DROP TABLE IF EXISTS managed SYNC", "TRUNCATE TABLE viewed", "TRUNCATE TABLE target"} {
				admin.Exec(t, sql)
			}
			require.NoError(t, r.do(t.Context(), t, as(dsn, name)), name)
			require.Equal(t, admin.Query(t, "SELECT count(), uniqExact(id) FROM viewed"), admin.Query(t, "SELECT count(), uniqExact(id) FROM target"))
		}
	}
}

// TestProfileThatFixesDeduplication: where a profile forbids what inserts need, they
// are refused, and the error names the setting.
func TestProfileThatFixesDeduplication(t *testing.T) {
	t.Parallel()
	var users []embedded.User
	fixed := map[string]string{"deduplicate_insert": "disable", "insert_deduplicate": "0", "deduplicate_blocks_in_dependent_materialized_views": "0", "async_insert": "1"}
	for setting, value := range fixed {
		users = append(users, embedded.User{Name: setting, Password: "p", Grants: []string{"SELECT, INSERT, CREATE TABLE ON *.*", "TABLE ENGINE ON MergeTree"}, Fixed: map[string]string{setting: value}})
	}
	engine := enginetest.Start(t, embedded.Config{Users: users})
	admin := &enginetest.DB{Name: "factload", DSN: engine.DSN(), HTTPDSN: engine.HTTPDSN()}
	for setting := range fixed {
		for _, dsn := range []string{admin.DSN, admin.HTTPDSN} {
			dsn = chtest.WithDSN(t, dsn, func(u *url.URL) { u.User = url.UserPassword(setting, "p") })
			for what, do := range map[string]func(context.Context, *testing.T, string) error{"record": asRecorder, "load": asLoader} {
				err := do(t.Context(), t, dsn)
				require.ErrorIs(t, err, ErrRejected, "%s %s", what, setting)
				require.ErrorContains(t, err, setting, what)
			}
		}
	}
	require.Equal(t, "0", admin.Query(t, "SELECT count() FROM with_id"))
}
