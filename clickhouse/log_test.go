package clickhouse

import (
	"bytes"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestLoggerGetsNoValues has the table and a view refuse a fact. The server writes
// its values into the answer, and the caller gets them; the log does not.
func TestLoggerGetsNoValues(t *testing.T) {
	t.Parallel()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		for _, mode := range []Mode{Acknowledged, Buffered} {
			var out bytes.Buffer
			m := materializer(t, Config{DSN: dsn, Mode: mode, RetryBudget: time.Second, Logger: slog.New(slog.NewTextHandler(&out, nil))})
			s := fact.Schema{Name: "logged", Fields: []fact.Field{{Name: "id", Type: fact.String, FactID: true}, {Name: "content", Type: fact.String}}, OrderBy: []string{"id"}}
			require.NoError(t, m.EnsureSchema(t.Context(), s))
			db.Exec(t, "ALTER TABLE logged ADD CONSTRAINT IF NOT EXISTS short CHECK length(content) < 10")
			err := m.Materialize(t.Context(), fact.Fact{Schema: "logged", ID: "1", Data: map[string]any{"content": "while pushing to view: S3CR3T"}})
			if mode == Buffered {
				err = m.Flush(t.Context())
			}
			require.ErrorIs(t, err, ErrRejected, "and not taken for a view's failure")
			require.ErrorContains(t, err, "S3CR3T")
			require.Contains(t, out.String(), "VIOLATED_CONSTRAINT")
			require.NotContains(t, out.String(), "S3CR3T")
		}
	})
}

// TestLateDatabase accepts facts before the server has their database.
func TestLateDatabase(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	chtest.EachProtocol(t, func(t *testing.T, other *enginetest.DB, dsn string) {
		other.Exec(t, "DROP DATABASE "+other.Name+" SYNC")
		m := materializer(t, Config{DSN: dsn, Mode: Buffered, OnFailure: func(f Failure) { t.Errorf("given up: %v", f.Err) }})
		require.ErrorIs(t, m.EnsureSchema(t.Context(), idSchema), ErrSchema)
		require.NoError(t, m.Materialize(t.Context(), idFact("a"), idFact("b")))
		require.Eventually(t, func() bool { return m.Stats()[0].Retries > 0 }, time.Minute, time.Millisecond)
		db.Exec(t, "CREATE DATABASE "+other.Name)
		require.NoError(t, m.Flush(t.Context()))
		require.Equal(t, "2", other.Query(t, "SELECT uniqExact(id) FROM "+idSchema.Name))
	})
}

// TestLacksAfterAnOutage waits for what a server lacks that could not be reached a
// moment ago, and for nothing else.
func TestLacksAfterAnOutage(t *testing.T) {
	t.Parallel()
	for _, code := range lateCodes {
		var l lateness
		lacks := &Error{Class: ErrRejected, Code: code}
		require.NotErrorIs(t, l.retryable(lacks), ErrRetryable)
		require.ErrorIs(t, l.retryable(retryable()), ErrRetryable)
		require.ErrorIs(t, l.retryable(lacks), ErrRetryable)
		require.NotErrorIs(t, l.retryable(&Error{Class: ErrAmbiguous, Code: code}), ErrRetryable)
		require.NotErrorIs(t, l.retryable(&Error{Class: ErrRejected, Code: 62}), ErrRetryable)
	}
}

// TestProfileThatSwitchesDeduplicationOff has repeated inserts stored once where the
// profile or the DSN says that none are recognized, by whichever of the two names.
func TestProfileThatSwitchesDeduplicationOff(t *testing.T) {
	t.Parallel()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		dsn = chtest.WithDSN(t, dsn, func(u *url.URL) {
			q := u.Query()
			q.Set("deduplicate_insert", "disable")
			q.Set("insert_deduplicate", "0")
			u.RawQuery = q.Encode()
		})
		var rows []struct {
			Value string `ch:"value"`
		}
		require.NoError(t, open(t, dsn).Select(t.Context(), &rows, "SELECT value FROM system.settings WHERE name = 'deduplicate_insert'"))
		for _, row := range rows { // older servers have none
			require.Equal(t, "disable", row.Value)
		}
		for range 2 { // each a process of its own, which knows of no doubt
			m := materializer(t, Config{DSN: dsn})
			require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
			require.NoError(t, m.Materialize(t.Context(), idFact("a")))
		}
		require.Equal(t, "1", db.Query(t, "SELECT count() FROM "+idSchema.Name))
	})
}

// TestViewsOutsideThePromiseAreLogged: each once, with the reason.
func TestViewsOutsideThePromiseAreLogged(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	require.NoError(t, materializer(t, Config{DSN: db.DSN}).EnsureSchema(t.Context(), idSchema))
	for name, sql := range map[string]string{
		"counts": "SELECT count() AS n FROM with_id", "leaves_out": "SELECT n FROM with_id", "inside": "SELECT id, n + 1 AS n FROM with_id",
		"distinct_ids": "SELECT DISTINCT id FROM with_id",
	} {
		db.Exec(t, "CREATE TABLE of_"+name+" (id String, n UInt64) ENGINE = MergeTree ORDER BY id")
		db.Exec(t, "CREATE MATERIALIZED VIEW "+name+" TO of_"+name+" AS "+sql)
	}
	db.Exec(t, "CREATE MATERIALIZED VIEW of_its_own ENGINE = MergeTree ORDER BY id AS SELECT id FROM with_id")
	var out bytes.Buffer
	m := materializer(t, Config{DSN: db.DSN, Logger: slog.New(slog.NewTextHandler(&out, nil))})
	for range 2 {
		require.NoError(t, m.EnsureSchema(t.Context(), idSchema))
		require.NoError(t, m.Materialize(t.Context(), idFact(fact.NewEventID())))
	}
	for view, reason := range map[string]string{
		"counts": "leaves out the column", "leaves_out": "leaves out the column", "of_its_own": "fills a table of its own", "distinct_ids": "Distinct",
	} {
		require.Regexp(t, "view="+view+" reason=.*"+reason, out.String())
		require.Equal(t, 1, strings.Count(out.String(), "view="+view+" "), out.String())
	}
	require.NotContains(t, out.String(), "view=inside")
}
