package bulk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A load says once that its table is not as the schema says, and leaves it so.
func TestLoadIntoATableThatDiffers(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.Exec(t, "CREATE TABLE items (id UInt64, text LowCardinality(String), more String DEFAULT 'x') ENGINE = MergeTree "+
		"ORDER BY (text, id, more) TTL toDate('2000-01-01') + toIntervalYear(id + 40) SETTINGS non_replicated_deduplication_window = 100 COMMENT 'theirs'")
	before := r.Query(t, "SHOW CREATE TABLE items")
	sum, err := Load(t.Context(), r.config(r.file("a.jsonl", lines(0, 20))))
	require.NoError(t, err)
	require.Equal(t, before, r.Query(t, "SHOW CREATE TABLE items"))
	require.Equal(t, "20\t20", r.count())
	require.Len(t, sum.Warnings, 1)
	require.Contains(t, sum.Warnings[0], `table "items" differs from its schema and stays as it is`)
}
