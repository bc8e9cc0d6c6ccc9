package bulk

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// items is the schema that most tests load.
func items() Target {
	return Target{Schema: fact.Schema{
		Name: "items",
		Fields: []fact.Field{
			{Name: "id", Type: fact.UInt32},
			{Name: "text", Type: fact.String},
		},
		OrderBy: []string{"id"},
	}}
}

// room is a database and a directory for a test.
type room struct {
	*enginetest.DB
	t      *testing.T
	dir    string
	client *clickhouse.Client
}

func newRoom(t *testing.T) *room {
	t.Helper()
	db := enginetest.Database(t)
	client, err := clickhouse.Open(db.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return &room{DB: db, t: t, dir: t.TempDir(), client: client}
}

// file writes a file and returns its path.
func (r *room) file(name string, content []byte) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(r.t, os.WriteFile(path, content, 0o600))
	return path
}

// config is for loading bare items in small chunks.
func (r *room) config(inputs ...string) Config {
	return Config{
		Client: r.client, Targets: map[string]Target{"items": items()}, Schema: "items",
		Inputs: inputs, ChunkBytes: minChunkBytes, Workers: 3,
	}
}

// load loads and requires success.
func (r *room) load(cfg Config) Summary {
	r.t.Helper()
	sum, err := Load(r.t.Context(), cfg)
	require.NoError(r.t, err)
	return sum
}

// count returns count() and uniqExact(id) of the items.
func (r *room) count() string {
	r.t.Helper()
	return r.Query(r.t, "SELECT count(), uniqExact(id) FROM items")
}

// lines returns rows from to to of items as JSON lines.
func lines(from, to int) []byte {
	var b bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"id":%d,"text":"%s"}`+"\n", i, strings.Repeat("x", i%50))
	}
	return b.Bytes()
}

func packGzip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestLoad(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	path := r.file("a.jsonl", lines(0, 5000))
	sum := r.load(r.config(path))
	require.EqualValues(t, 5000, sum.Rows)
	require.Zero(t, sum.Rejected)
	require.Greater(t, sum.Chunks, int64(20))
	require.Equal(t, "5000\t5000", r.count())

	again := r.load(r.config(path))
	require.Zero(t, again.Rows)
	require.Zero(t, again.Chunks)
	require.Equal(t, sum.Chunks, again.SkippedChunks)
	require.EqualValues(t, 5000, again.SkippedRows)
	require.Equal(t, "5000\t5000", r.count())
	b, err := json.MarshalIndent(again, "", " ")
	require.NoError(t, err)
	t.Log(string(b))
	t.Log(r.Query(t, "SELECT * FROM _factload_ledger ORDER BY time, offset LIMIT 5 FORMAT Vertical"))
}
