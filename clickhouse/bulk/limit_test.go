package bulk

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLoadJudgesTheShareBeforeItsEnd has a load that passes its limit with its
// last row: it has not come to its end, whatever is loaded.
func TestLoadJudgesTheShareBeforeItsEnd(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", append(lines(0, 5), "bad\n"...)))
	cfg.MaxRejects, cfg.Rejects = MaxRejectPercent(1), filepath.Join(r.dir, "rejects")
	for range 3 {
		sum, err := Load(t.Context(), cfg)
		require.ErrorIs(t, err, ErrTooManyRejects)
		require.ErrorContains(t, err, "1 of 6, and the limit is 1%")
		require.EqualValues(t, 1, sum.Rejected+sum.SkippedRejected)
		require.Equal(t, LoadUnfinished, r.loads()[0].State)
		require.Len(t, r.loads(), 1)
	}
	cfg.MaxRejects = MaxRejectPercent(20)
	r.load(cfg)
	require.Equal(t, []string{"continued 5", "complete 0"}, states(r.loads()))
	require.Len(t, r.rejects(cfg), 1)

	// From then on it is past.
	cfg.MaxRejects = MaxRejectRows(0)
	require.EqualValues(t, 1, r.load(cfg).SkippedRejected)
	r.file("a", append(append(lines(0, 5), "bad\n"...), lines(5, 7)...))
	require.EqualValues(t, 2, r.load(cfg).Rows)
}

// TestLoadCountsTheRejectsOfBefore has loads that go on with others.
func TestLoadCountsTheRejectsOfBefore(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", append([]byte("bad\nworse\n"), lines(0, 5000)...)))
	cfg.Workers, cfg.Rejects = 1, filepath.Join(r.dir, "rejects")
	for range 2 {
		_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 9, applied: true, only: "items"})
		require.ErrorIs(t, err, errCrash)
	}
	cfg.MaxRejects = MaxRejectRows(1)
	sum, err := Load(t.Context(), cfg)
	require.ErrorIs(t, err, ErrTooManyRejects)
	require.ErrorContains(t, err, "the same load again with a higher limit")
	require.Less(t, sum.Rows+sum.SkippedRows, int64(5000))
	cfg.MaxRejects = MaxRejectRows(2)
	r.load(cfg)
	require.Equal(t, "5000\t5000", r.count())
	require.Len(t, r.rejects(cfg), 2)
}
