package bulk

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func entriesNamed(entries []ledgerEntry) (names string) {
	for _, e := range entries {
		names += e.file
	}
	return names
}

func TestLedgerWriterGathers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var batches []string
		begin := time.Now()
		w := newLedgerWriter(func(_ context.Context, entries []ledgerEntry) error {
			batches = append(batches, entriesNamed(entries))
			time.Sleep(time.Second) //nolint:forbidigo // in the bubble's own time
			return nil
		})
		var run sync.WaitGroup
		run.Go(func() { require.NoError(t, w.run(t.Context())) })
		require.NoError(t, w.add(ledgerEntry{file: "a"}, nil)) // waits for others
		synctest.Wait()
		require.Empty(t, batches)
		written := make(chan struct{})
		require.NoError(t, w.add(ledgerEntry{file: "b"}, written)) // does not wait
		require.NoError(t, w.wait(written))
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, []string{"ab"}, batches)

		more := make(chan struct{})
		require.NoError(t, w.add(ledgerEntry{file: "c"}, more))
		synctest.Wait()
		require.NoError(t, w.add(ledgerEntry{file: "d"}, nil)) // while c is being written
		require.NoError(t, w.add(ledgerEntry{file: "e"}, nil))
		require.NoError(t, w.wait(more))
		w.close()
		run.Wait()
		require.Equal(t, []string{"ab", "c", "de"}, batches)
		require.NoError(t, w.wait(more), "what was written stays written")
	})
}

func TestLedgerWriterLingers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at time.Duration
		w := newLedgerWriter(func(context.Context, []ledgerEntry) error {
			at = time.Since(begin)
			return nil
		})
		var run sync.WaitGroup
		run.Go(func() { require.NoError(t, w.run(t.Context())) })
		require.NoError(t, w.add(ledgerEntry{}, nil))
		time.Sleep(2 * ledgerLinger) //nolint:forbidigo // in the bubble's own time
		synctest.Wait()
		require.Equal(t, ledgerLinger, at)
		w.close()
		run.Wait()
	})
}

func TestLedgerWriterFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	w := newLedgerWriter(func(context.Context, []ledgerEntry) error { return broken })
	var run sync.WaitGroup
	run.Go(func() { require.ErrorIs(t, w.run(t.Context()), broken) })
	written := make(chan struct{})
	require.NoError(t, w.add(ledgerEntry{}, written))
	require.ErrorIs(t, w.wait(written), broken)
	run.Wait()
	for err := error(nil); err == nil; { // until the buffer is full
		err = w.add(ledgerEntry{}, nil)
		if err != nil {
			require.ErrorIs(t, err, broken)
		}
	}
}
