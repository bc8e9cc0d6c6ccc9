package bulk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl/diff"
)

// A load goes on into a table that differs, if its columns hold the rows, and
// changes nothing about it. Else it says what differs before it loads anything.
func TestLoadIntoATableThatDiffers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, create string
		holds        bool
	}{
		{"sorting key", "(id UInt32, text String) ENGINE = MergeTree ORDER BY (text, id) TTL toDate('2000-01-01') + toIntervalYear(id + 40) SETTINGS non_replicated_deduplication_window = 100 COMMENT 'theirs'", true},
		{"wider column", "(id UInt64, text LowCardinality(String), more String DEFAULT 'x') ENGINE = MergeTree ORDER BY (id, more) SETTINGS non_replicated_deduplication_window = 100", true},
		{"narrower column", "(id UInt8, text String) ENGINE = MergeTree ORDER BY (text, id)", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.Exec(t, "CREATE TABLE items "+c.create)
			before := r.Query(t, "SHOW CREATE TABLE items")
			sum, err := Load(t.Context(), r.config(r.file("a.jsonl", lines(0, 20))))
			require.Equal(t, before, r.Query(t, "SHOW CREATE TABLE items"))
			if !c.holds {
				require.ErrorAs(t, err, new(*diff.RefusedError))
				require.Equal(t, "0\t0", r.count())
				return
			}
			require.NoError(t, err)
			require.Equal(t, "20\t20", r.count())
			require.Len(t, sum.Warnings, 1)
			require.Contains(t, sum.Warnings[0], `table "items" differs from its schema and stays as it is`)
		})
	}
}
