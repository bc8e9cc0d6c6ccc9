package engine

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

// TestDoctorFindings breaks databases, each in one way: doctor finds that, says what to do, and finds nothing else.
func TestDoctorFindings(t *testing.T) {
	t.Parallel()
	engine := enginetest.Start(t, embedded.Config{Users: []embedded.User{embedded.Reader("analyst", "secret")}})
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	const table = "CREATE TABLE t (d DateTime, x UInt32) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 10000"
	for name, test := range map[string]struct {
		broken        []string // statements that break it
		dsn           func(string) string
		limit         func(*limits)
		check, also   string // of the finding; "" for none
		found, advice string
	}{
		"nothing": {broken: []string{table, "INSERT INTO t SELECT now(), number FROM numbers(10)"}},
		"clock":   {limit: func(l *limits) { l.clock = -time.Hour }, check: "clock", found: "the server's clock is .* off", advice: "NTP"},
		"disk":    {limit: func(l *limits) { l.free = 1.1 }, check: "disk", found: `disk default: .* of .* are free`, advice: "drop old tables"},
		"parts": {broken: []string{
			table, "SYSTEM STOP MERGES t", "INSERT INTO t SELECT now(), number FROM numbers(20) SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, max_insert_threads = 1",
		}, limit: func(l *limits) { l.parts = 15 }, check: "parts", found: "table t, partition .*: 20 parts wait", advice: "insert less often"},
		"mutation": {broken: []string{
			table, "INSERT INTO t VALUES (now(), 1)", "ALTER TABLE t UPDATE d = throwIf(x = 1) WHERE 1 SETTINGS mutations_sync = 0",
		}, check: "mutations", found: "table t: the mutation .* fails: ", advice: "KILL MUTATION WHERE table = 't'"},
		"deduplication off": {dsn: func(dsn string) string { return dsn + "?insert_deduplicate=0&deduplicate_insert=disable" }, check: "deduplication", found: "stored twice", advice: "insert_deduplicate"},
		"no window":         {broken: []string{"CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x"}, check: "window", found: "table t has no deduplication window", advice: "MODIFY SETTING non_replicated_deduplication_window"},
		"short window": {broken: []string{
			"CREATE TABLE t (x UInt32) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 10",
			"INSERT INTO t SELECT number FROM numbers(20) SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, max_insert_threads = 1",
		}, check: "window rate", found: "table t had 20 inserts in five minutes, and remembers 10", advice: "let it remember more"},
		"broken view": {broken: []string{
			table, "CREATE VIEW v AS SELECT x FROM t", "DROP TABLE t SYNC",
		}, check: "views", found: "view v cannot be read", advice: "change or drop the view"},
		"drift": {broken: []string{
			"CREATE TABLE message (id String) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000",
		}, check: "schemas", found: "table message differs from its schema: ", advice: "factload plan message"},
		"expired rows": {broken: []string{
			strings.Replace(table, "SETTINGS", "TTL d + INTERVAL 1 DAY SETTINGS", 1), "SYSTEM STOP TTL MERGES t", "SYSTEM STOP MERGES t", "INSERT INTO t SELECT now() - INTERVAL 30 DAY, number FROM numbers(10)",
		}, check: "ttl", found: "table t: 1 parts hold only rows whose time is over", advice: "SYSTEM START TTL MERGES"},
		"older than the TTL": {broken: []string{
			table, "INSERT INTO t VALUES (now(), 1)", "ALTER TABLE t MODIFY TTL d + INTERVAL 1 YEAR SETTINGS materialize_ttl_after_modify = 0",
		}, check: "ttl", found: "table t: 1 parts are older than its TTL", advice: "MATERIALIZE TTL"},
		"no rights": {dsn: func(dsn string) string {
			_, at, _ := strings.Cut(dsn, "@")
			return "clickhouse://analyst:secret@" + at
		}, check: "rights", also: "deduplication", found: "the user lacks a right of a writer: SELECT, INSERT ON `.*`[.][*]", advice: "GRANT SELECT, INSERT ON"},
		"unfinished load": {check: "loads", found: "the load of .* is unfinished", advice: "run the same load again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := databaseOf(t, engine, strings.ReplaceAll(name, " ", "_"))
			owner := openDSN(t, dsn)
			for _, sql := range test.broken {
				require.NoError(t, owner.Exec(t.Context(), sql), sql)
			}
			if name == "unfinished load" {
				loadHalf(t, owner, registry)
			}
			limit := usualLimits
			if test.limit != nil {
				test.limit(&limit)
			}
			if test.dsn != nil {
				dsn = test.dsn(dsn)
			}
			client := openDSN(t, dsn)
			look := func() (wrong []finding) {
				all, err := findings(t.Context(), client, checks(registry, limit))
				require.NoError(t, err)
				return slices.DeleteFunc(all, func(f finding) bool { return f.OK })
			}
			isIt := func(f finding) bool {
				return f.Check == test.check && regexp.MustCompile(test.found).MatchString(f.Found) && strings.Contains(f.Advice, test.advice)
			}
			if name == "mutation" { // it fails some time after it was begun
				require.Eventually(t, func() bool { return slices.ContainsFunc(look(), isIt) }, time.Minute, 100*time.Millisecond)
			}
			wrong := look()
			require.Equal(t, test.check != "", slices.ContainsFunc(wrong, isIt), "%+v", wrong)
			for _, f := range wrong {
				require.Contains(t, []string{test.check, test.also}, f.Check, "%+v", f)
			}
		})
	}
}

// The runbook has an entry for each finding.
func TestRunbookHasEveryFinding(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../docs/runbook.md")
	require.NoError(t, err)
	for _, c := range checks(nil, usualLimits) {
		require.Contains(t, string(text), "\n## "+c.name+"\n")
	}
}

// databaseOf makes a database, and returns its DSN.
func databaseOf(t *testing.T, engine *embedded.Server, name string) (dsn string) {
	t.Helper()
	require.NoError(t, openDSN(t, engine.DSN()).Exec(t.Context(), "CREATE DATABASE "+name))
	return strings.TrimSuffix(engine.DSN(), embedded.DefaultDatabase) + name
}

func openDSN(t *testing.T, dsn string) *clickhouse.Client {
	t.Helper()
	client, err := clickhouse.Open(dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// loadHalf leaves a load behind that has not come to its end.
func loadHalf(t *testing.T, client *clickhouse.Client, registry *schemas.Registry) {
	t.Helper()
	def, err := registry.Get("message")
	require.NoError(t, err)
	var rows bytes.Buffer
	_, err = sample.Write(t.Context(), &rows, "message", 10, 1)
	require.NoError(t, err)
	_, err = bulk.Load(t.Context(), bulk.Config{
		Client: client, Schema: "message", Targets: map[string]bulk.Target{"message": {Schema: def.Schema, Table: def.Table}}, Inputs: []string{"-"}, Stdin: &rows, Format: bulk.Rows,
	})
	require.NoError(t, err)
	require.NoError(t, client.Exec(t.Context(), "ALTER TABLE _factload_ledger DELETE WHERE state = 'load_done' SETTINGS mutations_sync = 2"))
}
