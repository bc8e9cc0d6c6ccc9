package eventlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
	"github.com/factload/factload/fact/memstore"
)

func TestEraseWhere(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	const n = 2500 // more than is erased at once
	for i := range n {
		stream := []string{"a", "b"}[i%2]
		require.NoError(t, store.Append(t.Context(), stream, storetest.Events("x")))
	}
	erased, err := eventlog.EraseWhere(t.Context(), store, func(e eventlog.Entry) bool { return e.Stream == "a" })
	require.NoError(t, err)
	require.Equal(t, n/2, erased)
	left := 0
	for e, err := range store.ReadLog(t.Context(), "", 0) {
		require.NoError(t, err)
		require.Equal(t, "b", e.Stream)
		left++
	}
	require.Equal(t, n/2, left)
	storetest.RequireStream(t, store, "a")
}
