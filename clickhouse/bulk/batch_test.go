package bulk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/soak"
)

// small writes n files of 20 lines, of which one is bad, and returns their directory.
func (r *room) small(n int) string {
	for i := range n {
		r.file(fmt.Sprintf("small/%03d.jsonl", i), dirtyLines(20+40*i, 40+40*i))
	}
	return filepath.Join(r.dir, "small")
}

// TestSmallFilesGoTogether loads many files in few inserts, each with its own counts,
// entries and rejects.
func TestSmallFilesGoTogether(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.small(50))
	cfg.Rejects, cfg.ChunkBytes = filepath.Join(r.dir, "rejects"), 64<<10
	s := &counting{server: serverOf(r.client)}
	sum, err := loadInto(t.Context(), cfg, s)
	require.NoError(t, err)
	require.EqualValues(t, 50*19, sum.Rows)
	require.EqualValues(t, 50, sum.Chunks)
	require.Equal(t, 1, s.n)
	require.Len(t, sum.Files, 50)
	entries := r.rejects(cfg)
	require.Len(t, entries, 50)
	for i, f := range sum.Files {
		require.EqualValues(t, 19, f.Rows)
		require.EqualValues(t, 1, f.Rejected)
		require.Equal(t, f.File, entries[i].File)
		require.EqualValues(t, 4, entries[i].Line)
	}
	require.Equal(t, "50\t50\t950\t1", r.Query(t, "SELECT count(), uniqExact(file), sum(rows), uniqExact(batch) FROM _factload_ledger WHERE state = 'chunk_done'"))
	s.asked = 0
	again, err := loadInto(t.Context(), cfg, s)
	require.NoError(t, err)
	require.Zero(t, again.Rows)
	require.EqualValues(t, 50*19, again.SkippedRows)
	require.EqualValues(t, 50, again.SkippedRejected)
	require.Less(t, s.asked, 20, "no question for each file")

	cfg.chunkLines = 100 // and a chunk is full
	cfg.Force = true
	before := s.n
	_, err = loadInto(t.Context(), cfg, s)
	require.NoError(t, err)
	require.Equal(t, 13, s.n-before, "of four files each")
}

// TestSoakSmallFilesSurviveCrashes crashes loads of files that grow and become more meanwhile.
func TestSoakSmallFilesSurviveCrashes(t *testing.T) {
	t.Parallel()
	seed := soak.Seed(t)
	for trial := range uint64(soak.Trials(t, 1, 50)) {
		t.Run(fmt.Sprint(trial), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, trial))
			r := newRoom(t)
			cfg := r.config(r.dir)
			cfg.Targets = map[string]Target{"items": extraItems()}
			cfg.Rejects = filepath.Join(r.dir, "rejects")
			cfg.PathPattern, cfg.FileColumn = "{n}.jsonl", "source"
			cfg.ChunkBytes = minChunkBytes << (1 + rnd.IntN(4))
			const files, lines = 12, 60
			size, crashes := make([]int, files), 0
			for done := false; !done; {
				done = true
				for i := range size {
					size[i] = min(lines, size[i]+rnd.IntN(2)*rnd.IntN(lines))
					done = done && size[i] == lines
					if size[i] > 0 {
						r.file(fmt.Sprintf("%d.jsonl", i), dirtyLines(i*1000, i*1000+size[i]))
					}
				}
				if size[0] == 0 {
					r.file("0.jsonl", nil)
				}
				c := &crashing{server: serverOf(r.client), left: rnd.IntN(15), applied: rnd.IntN(2) == 0}
				_, err := loadInto(t.Context(), cfg, c)
				if err != nil {
					require.ErrorIs(t, err, errCrash)
					crashes++
				}
				done = done && err == nil
			}
			t.Logf("%d crashes", crashes)
			require.Equal(t, fmt.Sprintf("%d\t%d", files*57, files*57), r.count())
			require.Equal(t, "0", r.Query(t, "SELECT count() FROM items WHERE n != intDiv(id, 1000) OR NOT endsWith(source, concat('/', toString(n), '.jsonl'))"))
			entries := r.rejects(cfg)
			require.Len(t, entries, files*3)
			require.Zero(t, r.load(cfg).Rows)
			require.Equal(t, "0", r.Query(t, "SELECT count() FROM _factload_ledger WHERE state = 'chunk_started' AND token NOT IN (SELECT token FROM _factload_ledger WHERE state = 'chunk_done') AND (token, load) NOT IN (SELECT token, load FROM _factload_ledger WHERE state = 'chunk_dropped')"))
		})
	}
}

// TestInterruptedBatchNeedsItsFiles has files of which one is gone when the load goes on.
func TestInterruptedBatchNeedsItsFiles(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.small(5))
	cfg.ChunkBytes = 64 << 10
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	require.Equal(t, "95\t95", r.count())

	gone, kept := filepath.Join(r.dir, "small", "002.jsonl"), filepath.Join(r.dir, "kept")
	require.NoError(t, os.Rename(gone, kept))
	_, err = Load(t.Context(), cfg)
	require.ErrorIs(t, err, ErrInterrupted)
	require.ErrorIs(t, err, ErrChanged)
	require.ErrorContains(t, err, "run the load once more with all of its inputs as they were")
	require.Equal(t, "95\t95", r.count())

	require.NoError(t, os.Rename(kept, gone))
	r.file("small/000a.jsonl", lines(5000, 5010))
	sum := r.load(cfg)
	require.EqualValues(t, 105, sum.Rows)
	require.Zero(t, sum.SkippedRows)
	require.Len(t, sum.Files, 6)
	require.Equal(t, "105\t105", r.count())
	require.EqualValues(t, 105, r.load(cfg).SkippedRows)
}

// TestInterruptedBatchWithoutItsFiles loads what is left as new rows.
func TestInterruptedBatchWithoutItsFiles(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.small(3))
	cfg.ChunkBytes = 64 << 10
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), only: "items"})
	require.ErrorIs(t, err, errCrash)
	require.NoError(t, os.Remove(filepath.Join(r.dir, "small", "002.jsonl")))
	cfg.AllowChanged = true
	sum := r.load(cfg)
	require.EqualValues(t, 38, sum.Rows)
	require.Len(t, sum.Warnings, 2)
	require.ErrorIs(t, &ChangedError{Together: true}, ErrInterrupted)
	require.Equal(t, "38\t38", r.count())
}

// TestServerRejectsOfBatches has rows of several files in one insert that the server refuses.
func TestServerRejectsOfBatches(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.small(6))
	r.Exec(t, "CREATE TABLE items (id UInt32, text String, CONSTRAINT few CHECK id % 20 != 11) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
	cfg.Rejects, cfg.ChunkBytes = filepath.Join(r.dir, "rejects"), 64<<10
	sum := r.load(cfg)
	require.EqualValues(t, 6*18, sum.Rows)
	entries := r.rejects(cfg)
	require.Len(t, entries, 12)
	for i, f := range sum.Files {
		require.EqualValues(t, 18, f.Rows)
		require.EqualValues(t, 2, f.Rejected)
		require.Equal(t, []any{f.File, int64(4), f.File, int64(13)}, []any{entries[2*i].File, entries[2*i].Line, entries[2*i+1].File, entries[2*i+1].Line})
		require.Contains(t, entries[2*i+1].Raw, fmt.Sprintf(`{"id":%d,`, 31+40*i))
	}
}
