package bulk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/soak"
)

// wider is a target that takes what dirtyLines and asCSV have that items do not.
func wider() Target {
	target := items()
	target.Schema.Fields[0].Type = fact.Int64
	return target
}

func TestRetryRejected(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var content bytes.Buffer
	for i := range 500 {
		switch i % 10 {
		case 3:
			fmt.Fprintf(&content, "{\"id\":%d,\"more\":1}\n", i)
		case 5:
			fmt.Fprintf(&content, "{\"id\":-%d}\n", i)
		case 7:
			fmt.Fprintf(&content, "{\"id\":%d} {\"id\":%d,\"more\":1}\n", i, i+1000)
		case 8:
			content.WriteString("nothing\n")
		default:
			fmt.Fprintf(&content, "{\"id\":%d}\n", i)
		}
	}
	all := r.file("all", bytes.Repeat([]byte("{\"id\":-7000,\"more\":1}\n"), 9))
	cfg := r.config(r.file("a", content.Bytes()), all)
	require.EqualValues(t, 200+9, r.load(cfg).Rejected)
	require.Equal(t, "350\t350", r.count())

	// Nothing has changed: everything is rejected again, and nothing is stored twice.
	cfg.RetryRejected, cfg.Rejects = true, filepath.Join(r.dir, "rejects")
	sum := r.load(cfg)
	require.Zero(t, sum.Rows)
	require.EqualValues(t, 209, sum.Rejected)
	require.Len(t, r.rejects(cfg), 209)

	// Some are taken by other options, others by another schema.
	cfg.Decode.UnknownKeys = block.IgnoreUnknown
	sum = r.load(cfg)
	require.EqualValues(t, 100, sum.Rows)
	require.EqualValues(t, 109, sum.Rejected)
	require.EqualValues(t, 350, sum.SkippedRows)
	require.Equal(t, "450\t450", r.count())
	require.Len(t, r.rejects(cfg), 109, "what is loaded now is no longer among them")

	cfg.Targets["items"] = wider()
	r.Exec(t, "DROP TABLE items SYNC")
	r.Exec(t, "CREATE TABLE items (id Int64, text String) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
	sum = r.load(cfg)
	require.EqualValues(t, 59, sum.Rows)
	require.EqualValues(t, 50, sum.Rejected)
	require.Equal(t, "59\t51", r.count())

	// A load without the flag knows what has become of them.
	cfg.RetryRejected = false
	sum = r.load(cfg)
	require.Zero(t, sum.Rows)
	require.EqualValues(t, 350+100+59, sum.SkippedRows)
	require.EqualValues(t, 50, sum.SkippedRejected)
}

// TestSoakRetryRejectedSurvivesCrashes crashes loads that try rejected rows again.
func TestSoakRetryRejectedSurvivesCrashes(t *testing.T) {
	t.Parallel()
	seed, crashes := soak.Seed(t), 0
	for trial := range uint64(soak.Trials(t, 1, 50)) {
		rnd := rand.New(rand.NewPCG(seed, trial))
		r := newRoom(t)
		// What dirtyLines has instead of this is a number in text, for which the column would have to become another.
		r.file("a", bytes.ReplaceAll(dirtyLines(0, 1000), []byte(`"text":1}`), []byte(`"more":1}`)))
		cfg := r.config(filepath.Join(r.dir, "a"), r.file("b", asArray(lines(3000, 3200))))
		cfg.Rejects = filepath.Join(r.dir, "rejects")
		cfg.Targets["items"] = wider()
		r.Exec(t, "CREATE TABLE items (id Int64, text String) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
		require.EqualValues(t, 50, r.load(cfg).Rejected)
		cfg.RetryRejected = true
		cfg.Decode.UnknownKeys = block.IgnoreUnknown
		crashes += r.throughCrashes(rnd, 15, cfg)
		require.Equal(t, "1175\t1175", r.count())
		require.Len(t, r.rejects(cfg), 25)
		require.Zero(t, r.load(cfg).Rows)
	}
	t.Logf("%d crashes", crashes)
}

func TestRejectedRowsText(t *testing.T) {
	t.Parallel()
	for _, at := range [][]int64{nil, {0}, {0, 1, 500, 1 << 30}} {
		text := (&rejectedRows{at: at}).String()
		got, err := parseRejectedRows(text)
		require.NoError(t, err)
		require.Equal(t, at, got.at)
	}
	_, err := parseRejectedRows("gA")
	require.ErrorContains(t, err, "it ends early")
}
