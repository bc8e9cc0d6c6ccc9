package bulk

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
)

// TestSoakDecodeKeepsTheMemoryOfOneChunk decodes chunks of many schemas, one after
// the other and mixed.
func TestSoakDecodeKeepsTheMemoryOfOneChunk(t *testing.T) {
	const schemas = 12
	chunkBytes := soak.Scale(1, 4) << 20
	cfg := Config{Targets: make(map[string]Target), ChunkBytes: chunkBytes}
	line := func(s, i int) string {
		return fmt.Sprintf(`{"schema":"s%d","data":{"id":%d,"text":"%s"}}`+"\n", s, i, strings.Repeat("x", 40))
	}
	for s := range schemas {
		name := fmt.Sprintf("s%d", s)
		cfg.Targets[name] = Target{Schema: fact.Schema{Name: name, Fields: items().Schema.Fields}}
	}
	cfg = cfg.withDefaults()
	tables, err := newTables(cfg.Targets, "", cfg.Decode)
	require.NoError(t, err)
	d := newDecoder(&cfg, tables)
	before := heap()
	decode := func(schemaOf func(i int) int) {
		var pieces []*piece
		for n, i := 0, 0; n < chunkBytes; {
			var b strings.Builder
			for b.Len() < chunkBytes/piecesPerChunk {
				b.WriteString(line(schemaOf(i), i))
				i++
			}
			p := &piece{data: []byte(b.String()), length: int64(b.Len()), offset: int64(n), lines: int64(strings.Count(b.String(), "\n")), line: 1}
			pieces = append(pieces, p)
			n += b.Len()
		}
		res := &result{chunk: &chunk{file: &input.File{}, expectBytes: int64(chunkBytes), expectLines: int64(chunkBytes / len(line(0, 0)))}}
		d.begin()
		for _, p := range pieces {
			require.NoError(t, d.decode(t.Context(), p, res))
		}
		d.end(res)
		require.Zero(t, res.rejected)
	}
	for s := range schemas {
		decode(func(int) int { return s })
		require.Less(t, heap()-before, int64(chunkBytes*3/2), "schema after schema: %d", s)
	}
	for s := range schemas {
		decode(func(i int) int { // mostly one, and one row of all others
			if i < schemas {
				return i
			}
			return s
		})
		require.Less(t, heap()-before, int64(chunkBytes*5/2), "mostly one schema: %d", s)
	}
	for range 3 {
		decode(func(i int) int { return i % schemas })
		require.Less(t, heap()-before, int64(chunkBytes*5/2), "mixed")
	}
	held := make(map[*rowBlock]int)
	for _, b := range d.blocks {
		held[b] = b.held
	}
	decode(func(i int) int { return i % schemas })
	for b, was := range held {
		require.Equal(t, was, b.held, "an even mixture keeps what it has")
	}
}

// heap returns the bytes of all live objects.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
