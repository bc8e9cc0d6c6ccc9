package erase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/erase"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/pgstore"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
	"github.com/factload/factload/schemas"
)

// childEnv makes this binary a program that erases, to be killed.
const childEnv = "FACTLOAD_ERASE_CHILD"

// child is what it erases.
type child struct {
	DSN, Rejects, Value string
	Store               string // a file of SQLite
	Postgres            string // or a DSN
}

// eventLog is a log that can be erased from.
type eventLog interface {
	fact.EventStore
	erase.Log
	Close(ctx context.Context) error
}

func (c child) openLog(ctx context.Context) (eventLog, error) {
	if c.Postgres != "" {
		return pgstore.Open(ctx, pgstore.Config{DSN: c.Postgres})
	}
	return sqlitestore.Open(ctx, sqlitestore.Config{Path: c.Store})
}

func TestMain(m *testing.M) {
	enginetest.RunChild(childEnv, func(ctx context.Context, c child) error {
		_, err := c.erase(ctx)
		return err
	})
	enginetest.Main(m)
}

func (c child) erase(ctx context.Context, serverLogs ...string) (report erase.Report, err error) {
	client, err := clickhouse.Open(c.DSN)
	if err != nil {
		return report, err
	}
	defer client.Close()
	store, err := c.openLog(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	return erase.Run(ctx, erase.Config{
		Client: client, Schema: saidSchema, Log: store, Field: "user", Value: c.Value, Rejects: []string{c.Rejects}, ServerLogs: serverLogs,
	})
}

// said is a fact of somebody.
type said struct {
	ID   string `fact:"id,fact_id"`
	User string
	Text string
	N    uint32
}

var saidSchema = fact.Schema{
	Name: "said", OrderBy: []string{"n"},
	Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "user", Type: fact.String},
		{Name: "text", Type: fact.String},
		{Name: "n", Type: fact.UInt32},
	},
	Table: ddl.Options{Views: []ddl.ViewOptions{
		{
			Name: "said_per_user_view", To: "said_per_user", Select: "SELECT user, sum(n) AS total FROM said GROUP BY user",
			Target: ddl.TargetOptions{Columns: []ddl.TargetColumn{{Name: "user", Type: "String"}, {Name: "total", Type: "UInt64"}}, OrderBy: []string{"user"}, Engine: "SummingMergeTree"},
		},
		{
			Name: "said_total_view", To: "said_total", Select: "SELECT n % 7 AS seventh, sum(n) AS total FROM said GROUP BY seventh",
			Target: ddl.TargetOptions{Columns: []ddl.TargetColumn{{Name: "seventh", Type: "UInt8"}, {Name: "total", Type: "UInt64"}}, OrderBy: []string{"seventh"}, Engine: "SummingMergeTree"},
		},
	}},
}

// subject is whom the tests erase. Nothing of others has it.
const subject = `zebra-7f3a "O'Neil"`

// everybody has a log, tables, views, the table of before a rebuild and a rejects file.
func everybody(t *testing.T, server *embedded.Server, rows, ofSubject int) child {
	t.Helper()
	dir := t.TempDir()
	c := child{DSN: server.DSN(), Store: filepath.Join(dir, "log.db"), Rejects: filepath.Join(dir, "rejects.jsonl"), Value: subject}
	c.record(t, rows, ofSubject)
	return c
}

// record fills the places.
func (c child) record(t *testing.T, rows, ofSubject int) {
	t.Helper()
	client, err := clickhouse.Open(c.DSN)
	require.NoError(t, err)
	defer client.Close()
	store, err := c.openLog(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close(context.Background())) }()
	m, err := clickhouse.New(clickhouse.Config{Client: client})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close(context.Background())) }()
	registry, err := schemas.NewRegistry(schemas.Builtins()...)
	require.NoError(t, err)
	events, err := registry.Get(fact.LoggedEventSchema)
	require.NoError(t, err)
	p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m), fact.WithFollow(fact.Follow{Consumer: "rows", Events: true}))
	require.NoError(t, p.EnsureSchemas(t.Context(), saidSchema, events.Schema))
	for _, column := range []string{"said MODIFY COLUMN user", "said MODIFY COLUMN text", "event MODIFY COLUMN data"} {
		kind := "String"
		if strings.HasPrefix(column, "event") {
			kind = "Nullable(String)"
		}
		require.NoError(t, client.Exec(t.Context(), "ALTER TABLE "+column+" "+kind+" CODEC(NONE)"), "so that files can be searched")
	}
	batch := make([]fact.Event, 0, 1000)
	for n := range rows {
		s := said{ID: fmt.Sprintf("id-%d", n), User: fmt.Sprintf("user-%d", n%97), Text: "hello", N: uint32(n)}
		if n%(rows/ofSubject) == 0 {
			s.User, s.Text = subject, "I am "+subject+", "+fmt.Sprint(n)
		}
		f := fact.Of(&s)
		f.ID = s.ID
		e, err := fact.NewEvent("", f)
		require.NoError(t, err)
		if batch = append(batch, e); len(batch) == cap(batch) || n == rows-1 {
			require.NoError(t, store.Append(t.Context(), fmt.Sprintf("chat-%d", n%3), batch))
			batch = batch[:0]
		}
	}
	_, err = p.Replay(t.Context(), 0)
	require.NoError(t, err)
	require.NoError(t, client.Exec(t.Context(), "CREATE TABLE said_before_20260101 AS said"))
	require.NoError(t, client.Exec(t.Context(), "INSERT INTO said_before_20260101 SELECT * FROM said"))
	line, err := json.Marshal(map[string]string{"schema": "said", "error": "no", "raw": fmt.Sprintf(`{"user":%q,"n":-1}`, subject)})
	require.NoError(t, err)
	other := `{"schema":"said","error":"no","raw":"{\"user\":\"user-1\",\"n\":-1}"}`
	require.NoError(t, os.WriteFile(c.Rejects, []byte(other+"\n"+string(line)+"\n"+other+"\n"), 0o600))
}

// others returns a digest of everything that is not the subject's.
func others(t *testing.T, server *embedded.Server, c child) string {
	t.Helper()
	db := &enginetest.DB{HTTPDSN: server.HTTPDSN()}
	var out strings.Builder
	for _, table := range []string{"said", "said_before_20260101", "said_per_user FINAL", "said_total FINAL", "event"} {
		fmt.Fprintln(&out, table, db.Query(t, "SELECT count(), sum(cityHash64(*)) FROM "+table+" WHERE position(toString(tuple(*)), 'zebra-7f3a') = 0"))
	}
	store, err := c.openLog(t.Context())
	require.NoError(t, err)
	h, n := fnv.New64a(), 0
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		if bytes.Contains(e.Data, []byte("zebra-7f3a")) {
			continue
		}
		line, err := fact.AppendEventLine(nil, e.Event)
		require.NoError(t, err)
		_, err = fmt.Fprintln(h, e.Position, string(line))
		require.NoError(t, err)
		n++
	}
	fmt.Fprintln(&out, "log", n, h.Sum64())
	require.NoError(t, store.Close(context.Background()))
	text, err := os.ReadFile(c.Rejects)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "zebra-7f3a") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// filesWith returns the files below the directories that have the subject.
func filesWith(t *testing.T, dirs ...string) (found []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || entry != nil && !entry.Type().IsRegular() {
				return nil
			}
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte("zebra-7f3a")) {
				found = append(found, path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		require.NoError(t, err)
	}
	return found
}

// TestEraseSoak: however often it is killed, and the engine with it, nothing of a
// subject is left in any file, and everything of others is as it was.
func TestEraseSoak(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := enginetest.Start(t, embedded.Config{DataDir: data})
	rows, ofSubject, kills := soak.Scale(5000, 1_000_000), soak.Scale(50, 1000), soak.Trials(t, 4, 20)
	c := everybody(t, server, rows, ofSubject)
	before := others(t, server, c)
	require.Greater(t, len(filesWith(t, data, filepath.Dir(c.Store))), 4, "log, rejects, and parts of three tables")
	c.killed(t, server, kills)
	report, err := c.erase(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Left(), "%+v", report)
	require.Equal(t, "user", report.By)
	require.Equal(t, []string{"said_total"}, report.Sums)
	kinds := make([]string, 0, 6)
	for _, p := range report.Places {
		kinds = append(kinds, p.Kind)
	}
	require.Equal(t, []string{"log", "table", "rebuilt", "view", "events", "rejects"}, kinds)
	require.Equal(t, before, others(t, server, c))
	require.Empty(t, filesWith(t, data, filepath.Dir(c.Store)))
	db := &enginetest.DB{HTTPDSN: server.HTTPDSN()}
	for _, table := range []string{"said", "said_before_20260101", "said_per_user", "event"} {
		require.Equal(t, "0", db.Query(t, "SELECT count() FROM "+table+" WHERE position(toString(tuple(*)), 'zebra-7f3a') > 0"))
	}
	require.Equal(t, "0", db.Query(t, "SELECT count() FROM system.tables WHERE name LIKE 'factload_erase%' OR engine_full LIKE '%old_parts_lifetime%'"))
}

// killed runs a process that erases again and again, and kills it, and every second time
// the engine with it.
func (c *child) killed(t *testing.T, server *embedded.Server, kills int) {
	t.Helper()
	r := rand.New(rand.NewPCG(soak.Seed(t), 0))
	limit := 300 * time.Millisecond
	for i := range kills {
		c.DSN = server.DSN()
		cmd := enginetest.Child(t, childEnv, c)
		require.NoError(t, cmd.Start())
		<-time.After(time.Duration(r.Int64N(int64(limit))))
		if i%2 == 1 {
			require.NoError(t, server.Kill())
		}
		_ = cmd.Process.Kill() // it may be done
		done := cmd.Wait() == nil
		if i%2 == 1 {
			require.NoError(t, server.Restart(t.Context()))
		}
		if done {
			t.Logf("run %d came to its end in %s", i, limit)
			limit = max(limit/2, time.Millisecond)
		} else {
			limit = limit * 3 / 2
		}
	}
	c.DSN = server.DSN()
}

// TestEraseWays: facts are found by their IDs and by a condition as well, and a dry run
// counts them.
func TestEraseWays(t *testing.T) {
	t.Parallel()
	server := enginetest.Start(t, embedded.Config{})
	c := everybody(t, server, 300, 3)
	client, err := clickhouse.Open(c.DSN)
	require.NoError(t, err)
	defer client.Close()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: c.Store})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close(context.Background())) }()
	left := func(config erase.Config) (counts []uint64) {
		t.Helper()
		config.Client, config.Schema, config.Log = client, saidSchema, store
		report, err := erase.Run(t.Context(), config)
		require.NoError(t, err)
		for _, p := range report.Places {
			if config.DryRun {
				counts = append(counts, p.Left)
			} else {
				counts = append(counts, p.Erased)
				require.Zero(t, p.Left)
			}
		}
		return counts
	}
	byID := erase.Config{IDs: []string{"id-1", "id-2", "none"}}
	byField := erase.Config{Field: "n", Value: "7"}
	where := erase.Config{Where: "n BETWEEN 10 AND 19"}
	for range 2 {
		for want, config := range map[uint64]erase.Config{2: byID, 1: byField, 10: where} {
			config.DryRun = true
			require.Equal(t, []uint64{want, want, want, want}, left(config))
		}
	}
	require.Equal(t, []uint64{2, 2, 2, 2}, left(byID))
	require.Equal(t, []uint64{1, 1, 1, 1}, left(byField))
	require.Equal(t, []uint64{10, 10, 10, 10}, left(where))
	require.Equal(t, []uint64{0, 0, 0, 0}, left(where))

	for want, config := range map[string]erase.Config{
		"one of them only":      {IDs: []string{"a"}, Where: "1"},
		"say whose facts":       {},
		`has no field "nobody"`: {Field: "nobody", Value: "x"},
		"which names nobody":    {Field: "user"},
		"an ID is empty":        {IDs: []string{""}},
		"identifier `nonsense`": {Where: "nonsense"},
	} {
		config.Client, config.Schema, config.Log = client, saidSchema, store
		_, err := erase.Run(t.Context(), config)
		require.ErrorContains(t, err, want)
	}
}
