package bulk

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// loads returns the loads that the ledger knows.
func (r *room) loads() []LoadRecord {
	r.t.Helper()
	records, err := Loads(r.t.Context(), r.client)
	require.NoError(r.t, err)
	return records
}

// forgetEnds makes the ledger as if the loads had been killed before they
// could write their last entries.
func (r *room) forgetEnds() {
	r.Exec(r.t, "CREATE TABLE kept AS _factload_ledger")
	r.Exec(r.t, "INSERT INTO kept SELECT * FROM _factload_ledger WHERE state != 'load_done'")
	r.Exec(r.t, "EXCHANGE TABLES kept AND _factload_ledger")
	r.Exec(r.t, "DROP TABLE kept SYNC")
}

func states(records []LoadRecord) (out []string) {
	for _, r := range records {
		state := string(r.State)
		if r.Forced {
			state += " forced"
		}
		out = append(out, fmt.Sprintf("%s %d", state, r.Rows))
	}
	return out
}

func TestLoads(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	require.Empty(t, r.loads(), "no ledger")
	require.NotContains(t, r.Query(t, "SHOW TABLES"), ledgerTable, "and none was made")

	begun := time.Now().UTC().Truncate(time.Millisecond)
	a, b := r.file("a", dirtyLines(0, 1000)), r.file("b", lines(1000, 1010))
	sum := r.load(r.config(a, b))
	r.load(r.config(a, b)) // nothing to do: no entry
	records := r.loads()
	require.Len(t, records, 1)
	got := records[0]
	require.Equal(t, sum.Load, got.Load)
	require.Equal(t, "items", got.Schema)
	require.Equal(t, LoadComplete, got.State)
	require.False(t, got.Forced)
	require.False(t, got.Started.Before(begun))
	require.False(t, got.Ended.Before(got.Started))
	require.False(t, got.Ended.After(time.Now()))
	require.Equal(t, LoadCounts{Rows: sum.Rows, Rejected: 50, Bytes: sum.Bytes, Chunks: sum.Chunks}, got.LoadCounts)
	require.Len(t, got.Files, 2)
	require.Equal(t, a, got.Files[0].File)
	require.EqualValues(t, 950, got.Files[0].Rows)
	require.Equal(t, LoadedFile{File: b, LoadCounts: LoadCounts{Rows: 10, Bytes: sum.Files[1].Bytes, Chunks: 1}}, got.Files[1])
}

func TestLoadsTellWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 500)))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 3, only: "items", applied: true})
	require.ErrorIs(t, err, errCrash)
	first := r.loads()[0]
	require.Equal(t, LoadUnfinished, first.State)
	require.Positive(t, first.OpenChunks)
	sum := r.load(cfg)
	require.Equal(t, []string{fmt.Sprintf("continued %d", first.Rows), fmt.Sprintf("complete %d", sum.Rows)}, states(r.loads()))
	require.EqualValues(t, 500, first.Rows+sum.Rows)
	for _, l := range r.loads() {
		require.Zero(t, l.OpenChunks, "the second load has finished what the first had begun")
	}

	// Another load of other inputs finishes nothing for it.
	_, err = loadInto(t.Context(), r.config(r.file("b", lines(500, 1000))), &crashing{server: serverOf(r.client), left: 1, only: "items"})
	require.ErrorIs(t, err, errCrash)
	r.load(r.config(r.file("c", lines(1000, 1001))))
	require.Equal(t, LoadUnfinished, r.loads()[2].State)
}

// TestLoadIsCompleteWhenNothingWasLeft has loads that were killed when all
// rows were in, and that are run again.
func TestLoadIsCompleteWhenNothingWasLeft(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 100)))
	r.load(cfg)
	r.forgetEnds()
	require.Equal(t, []string{"unfinished 100"}, states(r.loads()))
	require.Zero(t, r.load(cfg).Rows)
	require.Equal(t, []string{"continued 100", "complete 0"}, states(r.loads()))
	r.load(cfg)
	require.Len(t, r.loads(), 2, "that was said once")

	cfg.Force = true
	r.load(cfg)
	r.forgetEnds()
	require.Zero(t, r.load(cfg).Rows, "the forced load has been finished")
	require.Equal(t, "200\t100", r.count())
	require.EqualValues(t, 100, r.load(cfg).Rows, "this is another")
	require.Equal(t, "300\t100", r.count())
	require.Equal(t, []string{"complete forced 100", "complete forced 100"}, states(r.loads())[1:])
}

func TestLoadsOfEnvelopesAndStdin(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config("-", filepath.Join(r.dir, "a"))
	r.file("a", []byte(`{"schema":"items","data":{"id":1}}`+"\n"))
	cfg.Schema, cfg.Stdin = "", strings.NewReader(`{"schema":"items","data":{"id":2}}`)
	r.load(cfg)
	records := r.loads()
	require.Len(t, records, 1)
	require.Empty(t, records[0].Schema)
	require.Equal(t, "-", records[0].Files[0].File)
	require.EqualValues(t, 2, records[0].Rows)
}

// TestLoadsOfAChangingDirectory interrupts a load of a directory that has other
// files when it is loaded again.
func TestLoadsOfAChangingDirectory(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.file("d/a.jsonl", lines(0, 500))
	r.file("d/b.jsonl", lines(500, 510))
	cfg := r.config(filepath.Join(r.dir, "d"))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 3, only: "items", applied: true})
	require.ErrorIs(t, err, errCrash)
	r.load(r.config(filepath.Join(r.dir, "d", "a.jsonl")))
	// The first load may have begun b or not.
	for _, file := range r.loads()[0].Files {
		require.Equal(t, strings.HasSuffix(file.File, "b.jsonl"), file.OpenChunks > 0, file.File)
	}
	require.Equal(t, LoadUnfinished, r.loads()[0].State, "b was never loaded")
	r.file("d/c.jsonl", lines(510, 520))
	r.load(cfg)
	require.Equal(t, "520\t520", r.count())
	require.Zero(t, r.loads()[0].OpenChunks)
	require.Equal(t, LoadContinued, r.loads()[0].State)
}
