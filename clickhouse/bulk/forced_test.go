package bulk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
)

// killForced begins a forced load of 500 items and kills it.
func (r *room) killForced() Config {
	r.t.Helper()
	cfg := r.config(r.file("a", lines(0, 500)))
	cfg.Force, cfg.Workers = true, 1
	_, err := loadInto(r.t.Context(), cfg, &crashing{server: serverOf(r.client), left: 3, applied: true, only: "items"})
	require.ErrorIs(r.t, err, errCrash)
	return cfg
}

func TestForcedLoadSaysWhatItGoesOnWith(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.killForced()
	killed := r.loads()[0].Load
	sum := r.load(cfg)
	require.Equal(t, killed, sum.Load)
	require.Len(t, sum.Warnings, 1)
	require.Contains(t, sum.Warnings[0], "going on with the forced load "+killed+" of 2")
	require.Equal(t, "500\t500", r.count())
	sum = r.load(cfg)
	require.Empty(t, sum.Warnings)
	require.Equal(t, "1000\t500", r.count())
}

func TestForcedLoadDoesNotGoOnWithAnEmptyTable(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.killForced()
	r.Exec(t, "TRUNCATE TABLE items")
	require.EqualValues(t, 500, r.load(cfg).Rows)
	require.Equal(t, "500\t500", r.count())
	require.Equal(t, []LoadState{LoadContinued, LoadComplete}, []LoadState{r.loads()[0].State, r.loads()[1].State})

	// The one that was killed is past.
	require.EqualValues(t, 500, r.load(cfg).Rows)
	require.Equal(t, "1000\t500", r.count())
}

func TestForcedLoadDoesNotGoOnWithOtherRules(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.killForced()
	cfg.Decode.UnknownKeys = block.IgnoreUnknown
	sum := r.load(cfg)
	require.EqualValues(t, 500, sum.Rows)
	require.Len(t, sum.Warnings, 1)
	require.Contains(t, sum.Warnings[0], "without going on with")
}
