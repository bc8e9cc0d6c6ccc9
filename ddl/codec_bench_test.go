package ddl_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
)

// codecCases are columns of the sample messages with the ways to store them. The
// first of each is what a server does by itself, and the one with a star is what
// NewTable does.
var codecCases = []struct {
	column string
	ways   []string // the type, and the codec behind a bar
}{
	{"content", []string{"String", "String | ZSTD(1) *", "String | ZSTD(3)", "String | ZSTD(9)"}},
	{"payload", []string{"String", "String | ZSTD(1) *", "String | ZSTD(3)", "String | ZSTD(9)"}},
	{"conversation_id", []string{"String", "String | ZSTD(1) *", "String | ZSTD(3)", "String | ZSTD(9)"}},
	{"id", []string{"String", "String | ZSTD(1) *", "String | ZSTD(3)"}},
	{"role", []string{"String", "String | ZSTD(3)", "LowCardinality(String) *", "LowCardinality(String) | ZSTD(1)"}},
	{"model", []string{"String", "String | ZSTD(3)", "LowCardinality(String) *", "LowCardinality(String) | ZSTD(1)"}},
	{"created_at", []string{"DateTime64(3, 'UTC')", "DateTime64(3, 'UTC') | ZSTD(1)", "DateTime64(3, 'UTC') | Delta(8), ZSTD(1) *", "DateTime64(3, 'UTC') | DoubleDelta, ZSTD(1)", "DateTime64(3, 'UTC') | DoubleDelta, LZ4"}},
	{"prompt_tokens", []string{"UInt32 *", "UInt32 | ZSTD(1)", "UInt32 | T64, ZSTD(1)", "UInt32 | Delta(4), ZSTD(1)"}},
	{"cost_usd", []string{"Float64 *", "Float64 | ZSTD(1)", "Float64 | Gorilla, ZSTD(1)"}},
}

// way is one way to store a column.
type way struct {
	column, typ, codec, name string
	chosen                   bool
}

func ways() []way {
	var out []way
	for _, c := range codecCases {
		for i, text := range c.ways {
			w := way{column: c.column, name: fmt.Sprintf("%s_%d", c.column, i)}
			text, w.chosen = strings.CutSuffix(text, " *")
			w.typ, w.codec, _ = strings.Cut(text, " | ")
			out = append(out, w)
		}
	}
	return out
}

const codecRows = 200_000

// BenchmarkCodecs stores the same sample messages in one part, each column in
// several ways, and prints how many bytes each of them takes, and how long an
// insert of that column alone.
func BenchmarkCodecs(b *testing.B) {
	for b.Loop() {
		db := enginetest.Database(b)
		var lines bytes.Buffer
		_, err := sample.Write(b.Context(), &lines, "message", codecRows, 1)
		require.NoError(b, err)
		var columns, names, from []string
		for _, w := range ways() {
			codec := ""
			if w.codec != "" {
				codec = " CODEC(" + w.codec + ")"
			}
			columns = append(columns, w.name+" "+w.typ+codec)
			names, from = append(names, w.name), append(from, w.column)
		}
		db.Exec(b, "CREATE TABLE sizes (project LowCardinality(String), at DateTime64(3, 'UTC'), "+strings.Join(columns, ", ")+
			") ENGINE = MergeTree ORDER BY (project, at) SETTINGS min_bytes_for_wide_part = 0")
		db.Exec(b, "CREATE TABLE lines (project String, id String, conversation_id String, role String, model String, content String, payload String, prompt_tokens UInt32, cost_usd Float64, created_at DateTime64(3, 'UTC')) ENGINE = Memory")
		db.Exec(b, "INSERT INTO lines SETTINGS input_format_skip_unknown_fields = 1, date_time_input_format = 'best_effort', input_format_json_read_objects_as_strings = 1 FORMAT JSONEachRow\n"+lines.String())
		db.Exec(b, fmt.Sprintf("INSERT INTO sizes (project, at, %s) SELECT project, created_at, %s FROM lines", strings.Join(names, ", "), strings.Join(from, ", ")))
		db.Exec(b, "OPTIMIZE TABLE sizes FINAL")
		times := insertTimes(b, db)
		_, err = fmt.Fprint(os.Stdout, "\n", codecTable(b, db, times)) // a benchmark's own log is cut after ten lines
		require.NoError(b, err)
	}
}

// insertRounds is how often an insert is timed.
const insertRounds = 7

// insertTimes returns the median time that an insert of each way's column takes
// into a table of that column alone, which is not sorted. The ways take turns.
func insertTimes(b *testing.B, db *enginetest.DB) map[string]time.Duration {
	b.Helper()
	all := make(map[string][]time.Duration)
	for round := range insertRounds {
		for _, w := range ways() {
			table, codec := fmt.Sprintf("%s_alone_%d", w.name, round), ""
			if w.codec != "" {
				codec = " CODEC(" + w.codec + ")"
			}
			db.Exec(b, "CREATE TABLE "+table+" (x "+w.typ+codec+") ENGINE = MergeTree ORDER BY tuple()")
			begin := time.Now()
			db.Exec(b, "INSERT INTO "+table+" SELECT "+w.column+" FROM lines")
			all[w.name] = append(all[w.name], time.Since(begin))
		}
	}
	medians := make(map[string]time.Duration)
	for name, times := range all {
		slices.Sort(times)
		medians[name] = times[len(times)/2]
	}
	return medians
}

// codecTable writes the sizes as they stand in docs/migrations.md.
func codecTable(b *testing.B, db *enginetest.DB, times map[string]time.Duration) string {
	b.Helper()
	sizes := make(map[string]float64)
	for line := range strings.SplitSeq(db.Query(b, "SELECT column, sum(column_data_compressed_bytes) FROM system.parts_columns WHERE database = currentDatabase() AND table = 'sizes' AND active GROUP BY column"), "\n") {
		var name string
		var size float64
		_, err := fmt.Sscan(line, &name, &size)
		require.NoError(b, err)
		sizes[name] = size
	}
	var t strings.Builder
	t.WriteString("| column | stored as | bytes a row | of the server's own | ms to insert | of the server's own |\n|---|---|---|---|---|---|\n")
	for _, w := range ways() {
		stored := w.typ
		if w.codec != "" {
			stored += " CODEC(" + w.codec + ")"
		}
		if w.chosen {
			stored = "**" + stored + "**"
		}
		own := w.column + "_0"
		fmt.Fprintf(&t, "| %s | %s | %.2f | %.0f %% | %d | %.0f %% |\n", w.column, stored,
			sizes[w.name]/codecRows, 100*sizes[w.name]/sizes[own],
			times[w.name].Milliseconds(), 100*times[w.name].Seconds()/times[own].Seconds())
	}
	return t.String()
}

// BenchmarkDeduplicationWindow inserts single rows into tables with and without
// the window that NewTable sets.
func BenchmarkDeduplicationWindow(b *testing.B) {
	for _, window := range []int{0, ddl.DeduplicationWindow} {
		b.Run(fmt.Sprint(window), func(b *testing.B) {
			db := enginetest.Database(b)
			db.Exec(b, fmt.Sprintf("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = %d", window))
			i := 0
			for b.Loop() {
				i++
				db.Exec(b, fmt.Sprintf("INSERT INTO t VALUES (%d)", i))
			}
		})
	}
}
