package faults

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/enginetest"
)

// TestFullDisk: an engine takes nothing long before its disk is full, and takes it again when
// there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	e := Start(t)
	if e.disk == "" {
		t.Skip("a disk cannot be mounted")
	}
	db := &enginetest.DB{HTTPDSN: e.HTTPDSN()}
	db.Exec(t, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	db.Exec(t, "INSERT INTO t VALUES (1)")

	file, err := os.Create(filepath.Join(e.disk, "some"))
	require.NoError(t, err)
	fill(t, file, 0, lastBytes)
	require.NoError(t, file.Close())
	_, err = db.Try(t.Context(), "INSERT INTO t VALUES (2)")
	require.ErrorContains(t, err, "NOT_ENOUGH_SPACE")
	require.NoError(t, os.Remove(file.Name()))
	db.Exec(t, "INSERT INTO t VALUES (3)")

	heal := e.takeBytes(t.Context(), t, rand.New(rand.NewPCG(1, 1)))
	require.ErrorContains(t, os.WriteFile(filepath.Join(e.disk, "more"), []byte("x"), 0o600), "no space left")
	_, err = db.Try(t.Context(), "INSERT INTO t VALUES (4)")
	require.ErrorContains(t, err, "NOT_ENOUGH_SPACE")
	heal()
	db.Exec(t, "INSERT INTO t VALUES (5)")
	require.Equal(t, "1\n3\n5", db.Query(t, "SELECT x FROM t ORDER BY x"))
}
