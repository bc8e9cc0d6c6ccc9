package integration

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// storeEachWay stores a fact in each of the ways that a program has.
func storeEachWay(t *testing.T, db *enginetest.DB, program fact.Schema, data string, check func(way string, err error)) {
	t.Helper()
	for _, way := range []struct {
		name  string
		store func(*testing.T, *enginetest.DB, fact.Schema, fact.Fact) error
	}{{"record", recordOne}, {"buffered", bufferOne}, {"load", loadOne}, {"replay", replayOne}} {
		value := json.RawMessage(`{"id":"` + way.name + `"` + data + `}`)
		check(way.name, way.store(t, db, program, fact.Fact{Schema: program.Name, ID: way.name, Value: value}))
	}
}

// A change that looks at what is stored, and finds what does not fit, leaves the table as it
// is. Recording goes on.
func TestStoredTextThatIsNoJSONIsNoOutage(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	schema := func(typ fact.FieldType) fact.Schema {
		return fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "j", Type: typ}}}
	}
	require.NoError(t, recordOne(t, db, schema(fact.String), fact.Fact{Schema: "t", ID: "old", Value: json.RawMessage(`{"j":"not json"}`)}))
	err := materializer(t, db.DSN).EnsureSchema(t.Context(), schema(fact.JSON))
	require.ErrorIs(t, err, clickhouse.ErrSchema)
	require.ErrorAs(t, err, new(*migrate.MisfitError))
	storeEachWay(t, db, schema(fact.JSON), `,"j":{"a":1}`, func(way string, err error) { require.NoError(t, err, way) })
	require.Equal(t, `[('buffered','{"a":1}'),('load','{"a":1}'),('old','not json'),('record','{"a":1}'),('replay','{"a":1}')]`,
		db.Query(t, "SELECT arraySort(groupArray((id, j))) FROM t FORMAT TSVRaw"))
}

// A user who may write, and not change tables, goes on with a table that differs, if its
// columns hold the rows.
func TestWriterWhoMayNotChangeTables(t *testing.T) {
	t.Parallel()
	engine := enginetest.Start(t, embedded.Config{Users: []embedded.User{{Name: "writer", Password: "p", Grants: clickhouse.Grants(clickhouse.Writer, "factload")}}})
	as := func(dsn string) string {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		u.User = url.UserPassword("writer", "p")
		return u.String()
	}
	admin := &enginetest.DB{Name: "factload", DSN: engine.DSN(), HTTPDSN: engine.HTTPDSN()}
	db := &enginetest.DB{Name: "factload", DSN: as(admin.DSN), HTTPDSN: as(admin.HTTPDSN)}
	made := fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}}}
	require.NoError(t, materializer(t, admin.DSN).EnsureSchema(t.Context(), made))

	commented := made
	commented.Table = ddl.Options{Comment: "what the writer may not say"}
	require.ErrorIs(t, materializer(t, db.DSN).EnsureSchema(t.Context(), commented), clickhouse.ErrSchema)
	storeEachWay(t, db, commented, "", func(way string, err error) { require.NoError(t, err, way) })
	require.Equal(t, "4\t", admin.Query(t, "SELECT (SELECT count() FROM t), comment FROM system.tables WHERE database = 'factload' AND name = 't'"))

	admin.Exec(t, "TRUNCATE TABLE t")
	wider := made
	wider.Fields = append(wider.Fields[:1:1], fact.Field{Name: "more", Type: fact.String})
	storeEachWay(t, db, wider, `,"more":"x"`, func(way string, err error) {
		require.ErrorIs(t, err, clickhouse.ErrSchema, way)
	})
	require.Equal(t, "0", admin.Query(t, "SELECT count() FROM t"))

	missing := made
	missing.Name = "absent"
	err := materializer(t, db.DSN).EnsureSchema(t.Context(), missing)
	require.ErrorContains(t, err, "ACCESS_DENIED")
	require.NotErrorIs(t, err, clickhouse.ErrSchema)
}
