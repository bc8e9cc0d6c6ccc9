package bulk

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/compressed"
	"github.com/factload/factload/internal/soak"
)

// outcomeOf checks one input and says what became of its lines.
func outcomeOf(t *testing.T, content []byte, chunkBytes int) string {
	t.Helper()
	dir := t.TempDir()
	cfg := Config{Rejects: filepath.Join(dir, "rejects")}
	sum, err := check(t, content, func(c *Config) { c.ChunkBytes, c.Rejects = chunkBytes, cfg.Rejects })
	require.NoError(t, err)
	var out strings.Builder
	fmt.Fprintf(&out, "%d rows\n", sum.Rows)
	for _, e := range (&room{t: t}).rejects(cfg) {
		fmt.Fprintf(&out, "%d at %d: %s\n", e.Line, e.Offset, e.Reason)
	}
	return out.String()
}

// TestChunkBoundaries moves what is delicate over the place where a chunk ends.
// In small chunks the same becomes of it as in one large chunk.
func TestChunkBoundaries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tail string // the end of a line, and what follows it
		want string // what becomes of the rest; %d is where the second line begins
	}{
		"last byte of a row":      {"\"}\n{\"id\":2}\n", "2 rows\n"},
		"last byte of the input":  {"\"}", "1 rows\n"},
		"half a UTF-8 sequence":   {"\xe2\x82\"}\n\xac{\"id\":2}\n", "0 rows\n1 at 0: utf8\n2 at %d: syntax\n"},
		"UTF-8 cut by a line end": {"\xe2\x82\n\xac\"}\n{\"id\":2}\n", "1 rows\n1 at 0: syntax\n2 at %d: syntax\n"},
		"a UTF-8 sequence":        {"€😀\"}\n{\"id\":2}\n", "2 rows\n"},
		"line end of Windows":     {"\"}\r\n{\"id\":2}\r\n", "2 rows\n"},
		"carriage return":         {"\"}\r\r\n{\"id\":2}\r\n", "2 rows\n"},
		"carriage return inside":  {"\r\"}\n{\"id\":2}\n", "1 rows\n1 at 0: syntax\n"},
		"line without a line end": {"\"}\n{\"id\":2}", "2 rows\n"},
		"empty lines":             {"\"}\n\n\r\n\n{\"id\":2}\n\n", "2 rows\n"},
		"byte order mark":         {"\"}\n\uFEFF{\"id\":2}\n", "1 rows\n2 at %d: syntax\n"},
		"escape":                  {"\\u20ac\\n\"}\n{\"id\":2}\n", "2 rows\n"},
		"half an escape":          {"\\u20\n{\"id\":2}\n", "1 rows\n1 at 0: syntax\n"},
		"cut line":                {"\"}\n{\"id\":", "1 rows\n2 at %d: cut_line\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := strings.IndexByte(c.tail+"\n", '\n') + 1
			for shift := -8; shift <= 8; shift++ {
				head := `{"id":1,"text":"`
				line := head + strings.Repeat("x", minChunkBytes-len(head)-first+shift) + c.tail
				second := minChunkBytes + shift
				want := c.want
				if strings.Contains(want, "%d") {
					want = fmt.Sprintf(want, second)
				}
				require.Equal(t, want, outcomeOf(t, []byte(line), 1<<20), "one chunk")
				require.Equal(t, want, outcomeOf(t, []byte(line), minChunkBytes), "shift %d", shift)
			}
		})
	}
}

// TestPackedOddly has packed inputs that are right, and unusual or cut.
func TestPackedOddly(t *testing.T) {
	t.Parallel()
	text, empty := lines(0, 3000), compressed.Gzip(t, nil)
	half := len(text) / 2 // in the middle of a line
	for name, packed := range map[string][]byte{
		"empty members first":   bytes.Join([][]byte{empty, empty, compressed.Gzip(t, text)}, nil),
		"empty members between": bytes.Join([][]byte{compressed.Gzip(t, text[:half]), empty, empty, compressed.Gzip(t, text[half:]), empty}, nil),
		"a member for a line":   bytes.Join([][]byte{compressed.Gzip(t, text[:1]), compressed.Gzip(t, text[1:])}, nil),
		"zstd frames":           bytes.Join([][]byte{compressed.Zstd(t, text[:half]), compressed.Zstd(t, nil), compressed.Zstd(t, text[half:])}, nil),
	} {
		sum, err := check(t, packed, nil)
		require.NoError(t, err, name)
		require.EqualValues(t, 3000, sum.Rows, name)
		require.Zero(t, sum.Rejected, name)
	}
	for name, c := range map[string]struct {
		packed []byte
		err    string
	}{
		"cut zstd":          {compressed.Zstd(t, text)[:3000], "zstd data ends early, after 3000 compressed bytes"},
		"cut second member": {append(compressed.Gzip(t, text[:half]), compressed.Gzip(t, text[half:])[:500]...), "gzip data ends early"},
		"junk behind":       {append(compressed.Gzip(t, text), "junk"...), "gzip data"},
		"zeros packed":      {compressed.Gzip(t, make([]byte, 1<<20)), "not a text file: it has a NUL byte at offset 0"},
	} {
		_, err := check(t, c.packed, nil)
		var input *InputError
		require.ErrorAs(t, err, &input, name)
		require.ErrorContains(t, err, c.err, name)
	}
}

// TestDeepNesting has JSON that is nested deeper than any stack is.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	const deep = 100_000
	for _, value := range []string{
		strings.Repeat("[", deep) + strings.Repeat("]", deep), strings.Repeat("[", deep),
		strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep), strings.Repeat(`[{"a":`, deep),
	} {
		for field, typ := range map[string]fact.FieldType{"text": fact.JSON, "native": fact.NativeJSON, "other": fact.String} {
			line := fmt.Sprintf(`{"id":1,%q:%s}`+"\n"+`{"id":2}`+"\n", field, value)
			sum, err := check(t, []byte(line), func(c *Config) {
				c.ChunkBytes = 4 << 20
				c.Decode.UnknownKeys = block.IgnoreUnknown // but looked at
				target := items()
				if field != "other" {
					target.Schema.Fields = append(target.Schema.Fields[:1:1], fact.Field{Name: field, Type: typ})
				}
				c.Targets = map[string]Target{"items": target}
			})
			require.NoError(t, err)
			require.EqualValues(t, 1, sum.Rows)
			reason := "depth"
			if field == "native" && value[0] == '[' {
				reason = "type" // it must be an object
			}
			require.Equal(t, map[string]int64{reason: 1}, sum.Reasons, field)
		}
	}
}

// TestSoakGigabyteOnOneLine unpacks a line of zeros that is far longer than
// any line may be, from a small file, in little memory.
func TestSoakGigabyteOnOneLine(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	size := int64(soak.Scale(64, 1024)) << 20
	path := filepath.Join(t.TempDir(), "zeros.gz")
	f, err := os.Create(path)
	require.NoError(t, err)
	w, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = w.Write(append(lines(0, 1000), '{'))
	require.NoError(t, err)
	_, err = io.CopyN(w, zeros{}, size)
	require.NoError(t, err)
	_, err = w.Write(append([]byte("\n"), lines(0, 1)...))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), size/40)

	peak := watchHeap()
	sum, err := check(t, nil, func(c *Config) {
		c.Inputs = []string{path}
		c.MaxLineBytes = 1 << 20
	})
	require.NoError(t, err)
	require.Less(t, peak(), uint64(32<<20), "the line is not held")
	require.EqualValues(t, 1001, sum.Rows)
	require.Equal(t, map[string]int64{"line_too_long": 1}, sum.Reasons)
}

// watchHeap watches the heap until peak is called, which returns by how much it
// has grown at most.
func watchHeap() (peak func() uint64) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, most := heap(), uint64(0)
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, heap())
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return func() uint64 {
		close(done)
		watch.Wait()
		return most - min(before, most)
	}
}
