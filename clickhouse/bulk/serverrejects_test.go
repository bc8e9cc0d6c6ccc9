package bulk

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
)

// counting counts the inserts into the items.
type counting struct {
	server
	mu    sync.Mutex
	n     int // inserts of items
	asked int
}

func (c *counting) Select(ctx context.Context, dest any, sql string, params ...any) error {
	c.mu.Lock()
	c.asked++
	c.mu.Unlock()
	return c.server.Select(ctx, dest, sql, params...)
}

func (c *counting) Insert(ctx context.Context, in insert.Insert) error {
	c.mu.Lock()
	if in.Table == "items" {
		c.n++
	}
	c.mu.Unlock()
	return c.server.Insert(ctx, in)
}

// TestLoadManyRowsThatTheServerRefuses has more of them in a chunk than could
// be searched for one by one.
func TestLoadManyRowsThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	for _, http := range []bool{false, true} {
		r := newRoom(t)
		r.Exec(t, "CREATE TABLE items (id UInt32, text String, CONSTRAINT even CHECK id % 20 != 0, CONSTRAINT `sh,)ort` CHECK length(text) < 49) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
		cfg := r.config(r.file("a", lines(0, 40_000)))
		cfg.ChunkBytes, cfg.Rejects = 0, filepath.Join(r.dir, "rejects")
		if http {
			client, err := chconn.Open(r.HTTPDSN)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, client.Close()) })
			cfg.Client = client
		}
		c := &counting{server: serverOf(cfg.Client)}
		begin := time.Now()
		sum, err := loadInto(t.Context(), cfg, c)
		require.NoError(t, err)
		t.Log(time.Since(begin))
		require.EqualValues(t, 2000+800, sum.Rejected)
		require.Equal(t, "37200\t37200", r.count())
		require.Equal(t, 2, c.n, "one that is refused, and one without the rows that it is refused for")
		entries := r.rejects(cfg)
		require.Len(t, entries, 2800)
		last := int64(0)
		for _, e := range entries {
			require.Greater(t, e.Line, last)
			last = e.Line
			require.Equal(t, "server", e.Reason)
			require.True(t, strings.HasPrefix(e.Raw, fmt.Sprintf(`{"id":%d,`, e.Line-1)), e.Raw)
		}
		require.Equal(t, `the server refuses the row: constraint "even" of the table is violated: (id % 20) != 0`, entries[0].Error)
		require.Equal(t, "the server refuses the row: constraint \"sh,)ort\" of the table is violated: length(text) < 49", entries[3].Error)
		require.Len(t, sum.FirstRejects, firstRejects)
		require.EqualValues(t, 50, sum.FirstRejects[3].Line)
	}
}

// TestLoadGoesOnAfterRefusedRows crashes at each insert of a chunk with rows
// that the server refuses, in two tables, and with rows that are bad anyway.
func TestLoadGoesOnAfterRefusedRows(t *testing.T) {
	t.Parallel()
	var content bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&content, `{"schema":"items","data":{"id":%d}}`+"\n"+`{"schema":"more","data":{"id":%d}}`+"\n", i, i)
		if i%50 == 0 {
			content.WriteString("bad\n")
		}
	}
	var want string
	for left := range 6 {
		for _, applied := range []bool{false, true} {
			r := newRoom(t)
			for _, name := range []string{"items", "more"} {
				r.Exec(t, "CREATE TABLE "+name+" (id UInt32, text String, CONSTRAINT few CHECK id % 20 != 3) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
			}
			more := items()
			more.Schema.Name = "more"
			cfg := r.config(r.file("a", content.Bytes()))
			cfg.Targets["more"], cfg.Schema, cfg.ChunkBytes, cfg.Rejects = more, "", 0, filepath.Join(r.dir, "rejects")
			_, _ = loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: left, applied: applied})
			r.load(cfg)
			require.Equal(t, "285\t285", r.count())
			require.Equal(t, "285\t285", r.Query(t, "SELECT count(), uniqExact(id) FROM more"))
			rejects := strings.ReplaceAll(r.rejectsFile(cfg), r.dir, "")
			if want == "" {
				want = rejects
				require.Len(t, r.rejects(cfg), 36)
			}
			require.Equal(t, want, rejects)
		}
	}
}

// TestLoadStopsWhereTheServerCannotTell has a constraint of a column that the load does
// not know, and expressions that fail.
func TestLoadStopsWhereTheServerCannotTell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		columns, err string
		class        error
	}{
		"constraint":   {"n UInt32 DEFAULT id + 1, CONSTRAINT c CHECK n % 40 != 8", "the server cannot say which rows it refuses", chconn.ErrRejected},
		"materialized": {"n UInt32 MATERIALIZED throwIf(id % 40 = 7, 'bad row')", "bad row", chconn.ErrAmbiguous},
		"default":      {"n UInt32 DEFAULT throwIf(id % 40 = 7, 'bad row')", "bad row", chconn.ErrAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.Exec(t, "CREATE TABLE items (id UInt32, text String, "+c.columns+") ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
			cfg := r.config(r.file("a", lines(0, 200)))
			cfg.ChunkBytes = 0
			_, err := Load(t.Context(), cfg)
			require.ErrorIs(t, err, c.class) // that an expression fails does not prove that nothing is stored
			require.ErrorContains(t, err, c.err)
			require.ErrorContains(t, err, "chunk of ")
			require.Equal(t, "0\t0", r.count())
		})
	}
}
