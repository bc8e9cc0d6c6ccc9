package migrate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl/rebuild"
)

// While a table is being copied none of its parts is merged, and a table into
// which many insert gets a part for each insert. To copy each of them with a
// statement of its own would take longer than it takes for the next ones to
// come. So small parts are copied many at a time.
//
// A statement that is run again must have the same token and the same rows, also
// when another process runs it, and no part may be in two of them. So it is
// decided beforehand which parts go together: a batch is written down in the
// ledger under the next free number, by an insert whose deduplication token is
// made of that number. Of several processes that choose one number, the first
// wins, and the others read what it has written.

const (
	// smallRows and smallBytes are what a part may have to be copied with others.
	smallRows  = 64 << 10
	smallBytes = 16 << 20
	// A batch makes one block, so that its token stands for all of its rows; see
	// [rebuild.Rebuild.CopySQL].
	maxBatchRows  = 512 << 10
	maxBatchBytes = 64 << 20
	maxBatchParts = 1000
)

// isSmall reports whether a part is copied together with others.
func (p oldPart) isSmall() bool { return p.Rows <= smallRows && p.Bytes <= smallBytes }

// partBatch is parts that are copied with one statement.
type partBatch struct {
	number uint64
	parts  []string
}

// copySmall copies small parts: first those of batches that have been written
// down already, then the others.
func (b *rebuilder) copySmall(ctx context.Context, s *rebuildView, small []oldPart, planned []partBatch) error {
	left := make(map[string]bool, len(small))
	for _, p := range small {
		left[p.Name] = true
	}
	next := uint64(1)
	for _, batch := range planned {
		if err := b.copyBatch(ctx, s, batch, left); err != nil {
			return err
		}
		next = batch.number + 1
	}
	for len(left) > 0 {
		batch, err := b.planBatch(ctx, s, next, firstBatch(small, left))
		if err != nil {
			return err
		}
		if err := b.copyBatch(ctx, s, batch, left); err != nil {
			return err
		}
		next = batch.number + 1
	}
	return nil
}

// firstBatch returns the names of parts that are left, as many as a batch takes.
func firstBatch(small []oldPart, left map[string]bool) []string {
	var names []string
	rows, bytes := uint64(0), uint64(0)
	for _, p := range small {
		if !left[p.Name] {
			continue
		}
		rows, bytes = rows+p.Rows, bytes+p.Bytes
		if len(names) > 0 && (rows > maxBatchRows || bytes > maxBatchBytes) || len(names) == maxBatchParts {
			break
		}
		names = append(names, p.Name)
	}
	return names
}

// batchLooks is how often a batch is looked for that another process may have
// written down at that very moment.
const batchLooks = 5

// planBatch writes down a batch under a number, and returns the one that has it
// then. When nobody has it, because the server was killed after it had learned
// the token and before it had the row, the number stays free, and the next one
// is taken.
func (b *rebuilder) planBatch(ctx context.Context, s *rebuildView, number uint64, parts []string) (partBatch, error) {
	for ; ; number++ {
		if err := b.recordBatch(ctx, s, partBatch{number, parts}); err != nil {
			return partBatch{}, err
		}
		for range batchLooks {
			found, err := b.batches(ctx, s, number)
			if err != nil {
				return partBatch{}, err
			}
			if len(found) > 0 && found[0].number == number {
				b.reached("planned")
				return found[0], nil
			}
			if !retry.Sleep(ctx, 100*time.Millisecond) {
				return partBatch{}, b.m.client.Fail(ctx, b.op(), context.Cause(ctx), chconn.Unsent)
			}
		}
	}
}

// copyBatch copies the parts of a batch if any of them is left.
func (b *rebuilder) copyBatch(ctx context.Context, s *rebuildView, batch partBatch, left map[string]bool) error {
	if !slices.ContainsFunc(batch.parts, func(name string) bool { return left[name] }) {
		return nil
	}
	pieces := make([]rebuild.Piece, len(batch.parts))
	for i, name := range batch.parts {
		pieces[i].Part = name
	}
	token := fmt.Sprintf("factload rebuild %s batch %d", s.source().uuid, batch.number)
	if err := b.copyPieces(ctx, s, pieces, token); err != nil {
		return err
	}
	for _, name := range batch.parts {
		delete(left, name)
	}
	return nil
}
