package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/soak"
)

// TestSoakPartitions loads a file whose rows, in no order, are of as many
// partitions as ten years have days, through crashes, with rows that a
// constraint refuses, and compares with what must be there.
func TestSoakPartitions(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	days := soak.Scale(110, 3650)
	rows := 2 * days
	bad := 0
	var content bytes.Buffer
	for _, i := range rand.New(rand.NewPCG(7, 7)).Perm(rows) {
		if i%100 == 13 {
			bad++
			fmt.Fprintf(&content, "{\"id\":%d,\"text\":\"refused\"}\n", rows+i%days)
		}
		fmt.Fprintf(&content, "{\"id\":%d,\"text\":\"day %d\"}\n", i, i%days)
	}
	items := items()
	items.Table = ddl.Options{PartitionBy: fmt.Sprintf("id %% %d", days)}
	cfg := r.config(r.file("years.jsonl", content.Bytes()))
	cfg.Targets["items"] = items
	cfg.Rejects = filepath.Join(r.dir, "rejects")
	cfg.ChunkBytes = max(minChunkBytes, content.Len()/2)
	table, err := ddl.NewTable(items.Schema, items.Table)
	require.NoError(t, err)
	require.NoError(t, serverOf(r.client).Ensure(t.Context(), table))
	r.Exec(t, "ALTER TABLE items ADD CONSTRAINT few CHECK text != 'refused'")

	for _, applied := range []bool{false, true} {
		_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 1, applied: applied, only: "items"})
		require.True(t, errors.Is(err, errCrash), "%v", err)
	}
	sum := r.load(cfg)
	require.EqualValues(t, bad, sum.Rejected)
	want := fmt.Sprintf("%d\t%d\t%d", rows, rows, days)
	require.Equal(t, want, r.Query(t, "SELECT count(), uniqExact(id), uniqExact(_partition_id) FROM items"))
	sum = r.load(cfg)
	require.Zero(t, sum.Rows)
	cfg.Force = true
	sum = r.load(cfg)
	require.EqualValues(t, rows, sum.Rows)
	require.Equal(t, fmt.Sprintf("%d\t%d\t%d", 2*rows, rows, days), r.Query(t, "SELECT count(), uniqExact(id), uniqExact(_partition_id) FROM items"))
}

// TestLoadOfMorePartitionsThanTokens has a chunk with more partitions than the table
// remembers tokens of, and loses the server when most of it is stored.
func TestLoadOfMorePartitionsThanTokens(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	target := items()
	target.Table.PartitionBy = "id % 1100"
	target.Table.Settings = map[string]string{"non_replicated_deduplication_window": "300"}
	cfg := r.config(r.file("a", lines(0, 2200)))
	cfg.Targets["items"], cfg.ChunkBytes = target, 0
	lost := &lostAnswers{server: serverOf(r.client)}
	_, err := loadInto(t.Context(), cfg, lost)
	require.ErrorIs(t, err, errCrash)
	require.NotEqual(t, "0", r.Query(t, "SELECT count() FROM _factload_ledger WHERE state = 'part_stored'"))
	r.load(cfg)
	require.Equal(t, "2200\t2200", r.count())
}

// lostAnswers is a server that is gone when it has stored the first block of items.
type lostAnswers struct {
	server
	gone atomic.Bool
}

func (l *lostAnswers) Insert(ctx context.Context, in insert.Insert) error {
	if l.gone.Load() {
		return errCrash
	}
	err := l.server.Insert(ctx, in)
	if err == nil && in.Table == "items" {
		l.gone.Store(true)
		err = errCrash
	}
	return err
}
