// Package storetest has tests that durable stores share beyond the conformance
// suites: what survives a kill, and random histories of many goroutines.
package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// Store is what the tests need of a store.
type Store interface {
	fact.EventStore
	fact.LogReader
	fact.StreamReader
}

// writers and batch say how the victim of a kill appends.
const (
	writers = 8
	batch   = 3
)

// Audit is a projector that adds an event to the stream "audit" for the first
// event of each append, within the same unit of work. Store is set before use.
type Audit struct{ Store fact.EventStore }

// Handle implements [fact.Projector].
func (a *Audit) Handle(ctx context.Context, e fact.Event) error {
	if e.Type != "x" || !strings.HasSuffix(e.ID, "/0") {
		return nil
	}
	return a.Store.Append(ctx, "audit", []fact.Event{{ID: "audit of " + e.ID, Type: "audited"}})
}

// Victim appends until ctx ends, from many goroutines, and writes a line for each
// append that was acknowledged. run tells its IDs from those of other runs.
func Victim(ctx context.Context, store fact.EventStore, run string, acknowledged io.Writer) error {
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	for w := range writers {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("%s-%d-%d", run, w, n)
				if err := store.Append(ctx, stream(w), batchOf(name)); err != nil {
					errs <- err
					return
				}
				if _, err := fmt.Fprintln(acknowledged, name); err != nil { // one write: whole lines
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// stream is where a writer appends: two writers share one.
func stream(writer int) string { return fmt.Sprint("s-", writer/2) }

func batchOf(name string) []fact.Event {
	events := make([]fact.Event, batch)
	for i := range events {
		events[i] = fact.Event{ID: fmt.Sprintf("%s/%d", name, i), Type: "x", Data: fmt.Appendf(nil, `{"name":%q,"i":%d}`, name, i)}
	}
	return events
}

// KilledVictim runs the program, which is a Victim, kills it with SIGKILL after the
// time, counted from its first acknowledgement, unless it fails before, and
// returns what was acknowledged.
func KilledVictim(t *testing.T, cmd *exec.Cmd, after time.Duration) []string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	var names []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if len(names) == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		names = append(names, lines.Text())
	}
	require.Error(t, cmd.Wait(), "it does not end by itself")
	return names
}

// RequireWhole checks what the store has after kills: each acknowledged append
// with its audit event, nothing twice, nothing half, and sequences without gaps.
func RequireWhole(t *testing.T, store Store, acknowledged []string) {
	t.Helper()
	have := make(map[string]bool)
	streams := make(map[string]int64)
	var last fact.Entry
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		require.False(t, have[e.ID], "event %s is there twice", e.ID)
		have[e.ID] = true
		streams[e.Stream]++
		require.Equal(t, streams[e.Stream], e.Sequence, "sequences of stream %s", e.Stream)
		require.Greater(t, e.Position, last.Position)
		last = e
	}
	whole := 0
	for id := range have {
		name, isFirst := strings.CutSuffix(id, "/0")
		if !isFirst || strings.HasPrefix(id, "audit") {
			continue
		}
		whole++
		for i := range batch {
			require.True(t, have[fmt.Sprintf("%s/%d", name, i)], "append %s is there in part", name)
		}
		require.True(t, have["audit of "+id], "append %s is there without what its projector appended", name)
	}
	require.Len(t, have, whole*(batch+1), "nothing but whole appends")
	for _, name := range acknowledged {
		require.True(t, have[name+"/0"], "append %s was acknowledged and is not there", name)
	}
}
