package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/sqlitestore"
)

func events(n int) []fact.Event {
	made := make([]fact.Event, n)
	for i := range made {
		made[i] = fact.Event{Type: "x", Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return made
}

func TestSecondWriterIsRefused(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	first := open(t, sqlitestore.Config{Path: path})
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	var used *sqlitestore.InUseError
	require.ErrorAs(t, err, &used)
	require.Equal(t, os.Getpid(), used.PID)
	require.ErrorContains(t, err, path)
	require.NoError(t, first.Append(t.Context(), "a", events(1)), "the first goes on")
	require.NoError(t, first.Close(t.Context()))
	second := open(t, sqlitestore.Config{Path: path})
	require.NoError(t, second.Append(t.Context(), "a", events(1)))
	loaded, err := second.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, loaded, 2)
}

func TestReadersBesideTheWriter(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, ReadOnly: true})
	require.ErrorIs(t, err, os.ErrNotExist)
	writer := open(t, sqlitestore.Config{Path: path})
	readers := []*sqlitestore.Store{
		open(t, sqlitestore.Config{Path: path, ReadOnly: true}), open(t, sqlitestore.Config{Path: path, ReadOnly: true}),
	}
	require.NoError(t, writer.Append(t.Context(), "a", events(3)))
	for _, r := range readers {
		require.NoError(t, r.WaitLog(t.Context(), 2))
		loaded, err := r.Load(t.Context(), "a")
		require.NoError(t, err)
		require.Len(t, loaded, 3)
		require.ErrorIs(t, r.Append(t.Context(), "a", events(1)), sqlitestore.ErrReadOnly)
		require.ErrorIs(t, r.SaveCheckpoint(t.Context(), "c", "", 1), sqlitestore.ErrReadOnly)
		require.ErrorIs(t, r.Vacuum(t.Context()), sqlitestore.ErrReadOnly)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600))
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	require.ErrorIs(t, err, sqlitestore.ErrCorrupt)
	_, err = sqlitestore.Open(t.Context(), sqlitestore.Config{})
	require.ErrorContains(t, err, "no path")
	_, err = sqlitestore.Open(t.Context(), sqlitestore.Config{Path: filepath.Join(path, "below")})
	require.Error(t, err)
}

// filled returns the path of a store that was closed with n events in it.
func filled(t *testing.T, n int) string {
	t.Helper()
	path := newPath(t)
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	require.NoError(t, err)
	for range n / 100 {
		require.NoError(t, store.Append(t.Context(), "a", events(100)))
	}
	require.NoError(t, store.Close(t.Context()))
	return path
}

func TestCheckFindsNothingInAGoodFile(t *testing.T) {
	t.Parallel()
	store := open(t, sqlitestore.Config{Path: filled(t, 1000)})
	require.NoError(t, store.Check(t.Context()))
	_, err := store.Erase(t.Context(), 1, 5, 1000)
	require.NoError(t, err)
	_, err = store.ImportEvents(t.Context(), []fact.Event{{ID: "1", Stream: "b", Sequence: 7, OccurredAt: time.Unix(1, 0)}})
	require.NoError(t, err)
	require.NoError(t, store.Check(t.Context()))
}

// TestCorruptionIsFound changes bytes all over the file, one at a time: whatever
// reads them says that the file is corrupt, or shows what was appended.
func TestCorruptionIsFound(t *testing.T) {
	t.Parallel()
	path := filled(t, 1000)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	want := dump(t, path)
	found, step := 0, len(good)/40
	for at := 100; at < len(good); at += step {
		bad := bytes.Clone(good)
		for i := range bad[at:min(at+8, len(bad))] {
			bad[at+i] ^= 0x5a
		}
		damaged := newPath(t)
		require.NoError(t, os.WriteFile(damaged, bad, 0o600))
		err := check(damaged)
		if err == nil {
			require.Equal(t, want, dump(t, damaged), "damage at byte %d that Check does not see changes nothing", at)
			continue
		}
		require.ErrorIs(t, err, sqlitestore.ErrCorrupt, "damage at byte %d", at)
		found++
	}
	require.Greater(t, found, 10, "most of the file matters")
}

func check(path string) error {
	store, err := sqlitestore.Open(context.Background(), sqlitestore.Config{Path: path})
	if err != nil {
		return err
	}
	return errors.Join(store.Check(context.Background()), store.Close(context.Background()))
}

// dump returns the events of the file as text.
func dump(t *testing.T, path string) string {
	t.Helper()
	store := open(t, sqlitestore.Config{Path: path, ReadOnly: true})
	var text strings.Builder
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		fmt.Fprintf(&text, "%+v\n", e)
	}
	return text.String()
}

func TestBackupWhileAppending(t *testing.T) {
	t.Parallel()
	store := open(t, sqlitestore.Config{Path: newPath(t)})
	require.NoError(t, store.Append(t.Context(), "a", events(100)))
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := store.Append(context.Background(), "a", events(3)); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 3 {
		path := newPath(t)
		require.NoError(t, store.Backup(t.Context(), path))
		require.NoError(t, check(path))
		copied := open(t, sqlitestore.Config{Path: path})
		loaded, err := copied.Load(t.Context(), "a")
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(loaded), 100)
		require.Equal(t, 1, len(loaded)%3, "whole appends")
		last, err := copied.LastPosition(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, len(loaded), last)
		require.ErrorContains(t, store.Backup(t.Context(), path), "is there already")
	}
	close(stop)
	require.NoError(t, <-stopped)
}

func TestVacuumLeavesNothingOfWhatWasErased(t *testing.T) {
	t.Parallel()
	const secret = "alice@example.test"
	path := newPath(t)
	store := open(t, sqlitestore.Config{Path: path})
	for i := range 200 {
		e := fact.Event{Type: "x", Data: fmt.Appendf(nil, `{"user":"bob%d"}`, i)}
		if i%7 == 0 {
			e = fact.Event{ID: secret + fmt.Sprint(i), Type: "x", Data: []byte(`{"user":"` + secret + `"}`), Metadata: map[string]string{"u": secret}}
		}
		require.NoError(t, store.Append(t.Context(), "a", []fact.Event{e}))
	}
	require.NoError(t, store.SaveSnapshot(t.Context(), "a", fact.Snapshot{Sequence: 3, Data: []byte(`"` + secret + `"`)}))
	require.Contains(t, bytesOfFiles(t, path), secret)
	n, err := fact.EraseWhere(t.Context(), store, func(e fact.Entry) bool { return bytes.Contains(e.Data, []byte(secret)) })
	require.NoError(t, err)
	require.Equal(t, 29, n)
	require.NoError(t, store.Vacuum(t.Context()))
	require.NotContains(t, bytesOfFiles(t, path), secret)
	require.Contains(t, bytesOfFiles(t, path), "bob1")
	require.NoError(t, store.Check(t.Context()))
}

// bytesOfFiles returns everything that the store has on the disk.
func bytesOfFiles(t *testing.T, path string) string {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all = append(all, text...)
	}
	return string(all)
}
