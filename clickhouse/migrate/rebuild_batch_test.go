package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/internal/enginetest"
)

// manyParts makes a table with so many parts, none of which is merged.
func manyParts(t *testing.T, db *enginetest.DB, older ddl.Table, parts int) {
	t.Helper()
	require.NoError(t, open(t, db.DSN).Ensure(t.Context(), older))
	db.Exec(t, "SYSTEM STOP MERGES "+ddl.QuoteIdent(older.Name))
	db.Exec(t, fmt.Sprintf("INSERT INTO %s (id, kind, text) SETTINGS max_block_size = 10, min_insert_block_size_rows = 10, min_insert_block_size_bytes = 0, max_insert_threads = 1\n"+
		"SELECT number, toString(number %% 3), 'x' FROM numbers(%d)", ddl.QuoteIdent(older.Name), 10*parts))
	require.Equal(t, fmt.Sprint(parts), db.Query(t, "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = '"+older.Name+"'"))
}

// Small parts are copied many at a time, and each of them is written down.
func TestRebuildCopiesSmallPartsTogether(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	older, newer := rebuildVersions(t, "t")
	const parts = maxBatchParts + 100
	manyParts(t, db, older, parts)
	c := open(t, db.DSN)
	copies := 0
	watch := func(step string) {
		if step == "copied" {
			copies++
		}
	}
	require.NoError(t, c.EnsureAllowing(hooked(t.Context(), watch), []ddl.Hazard{ddl.NeedsRebuild}, newer))
	chtest.RequireDone(t, db, c, newer)
	require.Equal(t, 2, copies)
	require.Equal(t, fmt.Sprintf("%d\t%d", 10*parts, 10*parts), db.Query(t, "SELECT count(), uniqExact(id) FROM t"))
	require.Equal(t, fmt.Sprintf("2\t%d", parts), db.Query(t, "SELECT countIf(event = 'batch'), uniqExactIf(part, event = 'piece') FROM _factload_rebuilds"))
}

// Where the order of blocks decides which row stays, parts are copied one by one
// in their order.
func TestRebuildKeepsTheOrderThatMatters(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	older, newer := rebuildVersions(t, "t")
	older.Engine, newer.Engine = "ReplacingMergeTree", "ReplacingMergeTree"
	newer.PartitionBy = ""
	require.NoError(t, open(t, db.DSN).Ensure(t.Context(), older))
	db.Exec(t, "SYSTEM STOP MERGES t")
	for n := range 12 {
		db.Exec(t, fmt.Sprintf("INSERT INTO t (id, kind, text) VALUES (1, 'a', 'version %d'), (%d, 'b', '')", n, n+2))
	}
	c := open(t, db.DSN)
	require.NoError(t, c.EnsureAllowing(hooked(t.Context(), nil), []ddl.Hazard{ddl.NeedsRebuild}, newer))
	require.Equal(t, "version 11", db.Query(t, "SELECT text FROM t FINAL WHERE id = 1"))
	require.Equal(t, "0\t12", db.Query(t, "SELECT countIf(event = 'batch'), uniqExactIf(part, event = 'piece') FROM _factload_rebuilds"))
}

// Of two that choose the same number for different parts, one wins, and the
// other takes over what that has written.
func TestBatchOfAnotherProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	older, newer := rebuildVersions(t, "t")
	manyParts(t, db, older, 8)
	var batches []partBatch
	first, second := open(t, db.DSN), open(t, db.HTTPDSN)
	watch := func(step string) {
		if step != "planned" || len(batches) > 0 {
			return
		}
		b := &rebuilder{m: first.Migrator, Rebuild: &rebuild.Rebuild{On: ddl.TableName{Database: first.Database(), Name: "t"}}}
		s, err := b.look(context.Background())
		require.NoError(t, err)
		mine, err := b.planBatch(context.Background(), s, 1, []string{"all_1_1_0"})
		require.NoError(t, err)
		require.Len(t, mine.parts, 8, "the other one's")
		theirs, err := b.planBatch(context.Background(), s, 2, []string{"nobody's"})
		require.NoError(t, err)
		require.Equal(t, partBatch{2, []string{"nobody's"}}, theirs)
		batches, err = b.batches(context.Background(), s, 1)
		require.NoError(t, err)
	}
	plan, err := second.Plan(t.Context(), newer)
	require.NoError(t, err)
	require.NoError(t, second.Apply(hooked(t.Context(), watch), plan, ddl.NeedsRebuild))
	require.Len(t, batches, 2)
	require.True(t, slices.ContainsFunc(batches[0].parts, func(name string) bool { return strings.HasPrefix(name, "all_8") }))
	require.Equal(t, "80\t80", db.Query(t, "SELECT count(), uniqExact(id) FROM t"))
}

func TestFirstBatchIsBounded(t *testing.T) {
	t.Parallel()
	var small []oldPart
	left := make(map[string]bool)
	for i := range 3 * maxBatchParts {
		p := oldPart{Name: fmt.Sprint(i), Rows: 10, Bytes: 1000}
		small, left[p.Name] = append(small, p), true
	}
	require.Len(t, firstBatch(small, left), maxBatchParts)
	delete(left, "0")
	require.Equal(t, "1", firstBatch(small, left)[0])
	for i := range small {
		small[i].Rows = smallRows
	}
	require.Len(t, firstBatch(small, left), maxBatchRows/smallRows)
	for i := range small {
		small[i].Rows, small[i].Bytes = 1, smallBytes
	}
	require.Len(t, firstBatch(small, left), maxBatchBytes/smallBytes)
}
