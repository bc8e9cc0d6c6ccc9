package bulk

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/fact"
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

// TestForcedLoadsAreRemembered forces a load before and after plain ones.
func TestForcedLoadsAreRemembered(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	plain := r.config(r.file("a", dirtyLines(0, 1000)))
	forced := plain
	forced.Force = true
	require.EqualValues(t, 950, r.load(forced).Rows)
	sum := r.load(plain)
	require.Zero(t, sum.Rows)
	require.EqualValues(t, 950, sum.SkippedRows)
	require.EqualValues(t, 50, sum.SkippedRejected)
	require.Equal(t, "950\t950", r.count())
	require.Equal(t, []string{"complete forced 950"}, states(r.loads()))

	// A forced load after a change is what is loaded.
	r.file("a", lines(1000, 1500))
	_, err := Load(t.Context(), plain)
	require.ErrorIs(t, err, ErrChanged)
	require.EqualValues(t, 500, r.load(forced).Rows)
	require.Zero(t, r.load(plain).Rows)
	r.file("a", lines(1000, 1600))
	require.EqualValues(t, 100, r.load(plain).Rows, "it may grow")
	require.Equal(t, "1550\t1550", r.count())
}

// TestForcedLoadOfWhatWasRejected is what docs/loading.md says to do: the last load knows
// that the rows are in the table.
func TestForcedLoadOfWhatWasRejected(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", []byte("{\"id\":1,\"more\":2}\n")))
	require.EqualValues(t, 1, r.load(cfg).Rejected)
	cfg.Force, cfg.Decode.UnknownKeys = true, block.IgnoreUnknown
	require.EqualValues(t, 1, r.load(cfg).Rows)
	cfg.Force = false
	sum := r.load(cfg)
	require.EqualValues(t, 1, sum.SkippedRows)
	require.Zero(t, sum.SkippedRejected)
	require.Equal(t, "1\t1", r.count())
}

// TestWrongSchema has rows that have nothing to do with the schema.
func TestWrongSchema(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	wrong := bytes.Repeat([]byte("{\"question\":\"q\"}\n"), leastTrialRows)
	_, err := Load(t.Context(), r.config(r.file("a", wrong)))
	require.ErrorIs(t, err, ErrWrongSchema)
	require.ErrorContains(t, err, `none of the first 10 rows fits schema "items", first of all because of question`)
	require.NotContains(t, r.Query(t, "SHOW TABLES"), "items")
	require.Empty(t, r.loads())
	require.EqualValues(t, 10, r.load(r.config(r.file("b", append(wrong, lines(0, 1)...)))).Rejected, "one of them fits")
	require.EqualValues(t, 9, r.load(r.config(r.file("c", wrong[:len(wrong)/10*9]))).Rejected, "these are few")
	bad := bytes.Repeat([]byte("{\"id\":-1}\n"), 20)
	require.EqualValues(t, 20, r.load(r.config(r.file("d", bad))).Rejected, "the keys are right")
}

// TestWrongSchemaWithIgnoredKeys has rows of which nothing would be left but what is not in them.
func TestWrongSchemaWithIgnoredKeys(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	wrong := bytes.Repeat([]byte("{\"question\":\"q\"}\n"), leastTrialRows)
	cfg := r.config(r.file("a", wrong))
	cfg.Targets = map[string]Target{"items": {Schema: fact.Schema{Name: "items", Fields: []fact.Field{{Name: "run", Type: fact.String}, {Name: "text", Type: fact.String}, {Name: "rest", Type: fact.JSON}}}}}
	cfg.Decode, cfg.Set = block.Options{UnknownKeys: block.IgnoreUnknown}, map[string]string{"run": "1"}
	_, err := Load(t.Context(), cfg)
	require.ErrorIs(t, err, ErrWrongSchema)
	require.ErrorContains(t, err, `none of the first 10 rows has a key of schema "items"`)
	cfg.Decode = block.Options{UnknownKeys: block.CollectUnknown, CollectInto: "rest"}
	_, err = Load(t.Context(), cfg)
	require.ErrorIs(t, err, ErrWrongSchema)
	require.NotContains(t, r.Query(t, "SHOW TABLES"), "items")

	one := cfg
	one.Inputs = []string{r.file("b", append(wrong, "{\"text\":\"x\"}\n"...))}
	require.EqualValues(t, 11, r.load(one).Rows, "one row has a key")
	r.Exec(t, "DROP TABLE items")
	cfg.Targets = map[string]Target{"items": {Schema: fact.Schema{Name: "items", Fields: []fact.Field{{Name: "run", Type: fact.String}, {Name: "rest", Type: fact.JSON}}}}}
	require.EqualValues(t, 10, r.load(cfg).Rows, "all of a row is collected")
}

// TestForcedLoadsWhenTheClockJumps has a clock that was a day ahead while one load was
// made: the order of loads is that of their numbers.
func TestForcedLoadsWhenTheClockJumps(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 500)))
	cfg.Force = true
	r.load(cfg)
	r.Exec(t, "ALTER TABLE _factload_ledger UPDATE time = time + INTERVAL 1 DAY WHERE 1 SETTINGS mutations_sync = 2")
	r.killForced()
	r.load(cfg)
	require.Equal(t, "1000\t500", r.count(), "it goes on with the one that was killed")
	require.Equal(t, []LoadState{LoadComplete, LoadComplete}, []LoadState{r.loads()[0].State, r.loads()[1].State})
}
