package insert

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	const hostile = "a`b 'c"
	schema := fact.Schema{Name: "t", Fields: []fact.Field{
		{Name: "n", Type: fact.UInt32},
		{Name: "maybe", Type: fact.Int64, Nullable: true},
		{Name: hostile, Type: fact.String},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "at", Type: fact.DateTime64},
	}}
	b := chtest.Compile(t, schema).NewBlock()
	for i := range 100 {
		data := map[string]any{"n": i, hostile: fmt.Sprint("x", i), "tags": []any{"a", fmt.Sprint(i)}, "at": "2026-01-02T03:04:05Z"}
		if i%50 != 7 {
			data["maybe"] = i
		}
		require.NoError(t, b.AppendFact("", data))
	}
	columns := "n UInt32, maybe Nullable(Int64), `a\\`b 'c` String, tags Array(String), at DateTime64(3, 'UTC')"
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		for i, tc := range []struct{ constraints, want string }{
			{"", "[]"},
			{", CONSTRAINT one CHECK n % 30 != 4", "[4 one 34 one 64 one 94 one]"},
			{", CONSTRAINT never ASSUME n > 1000, CONSTRAINT one CHECK n != 4", "[4 one]"},
			{", CONSTRAINT null CHECK maybe != 9, CONSTRAINT two CHECK n != 9 AND n != 60", "[7 null 9 null 57 null 60 two]"},
			{", CONSTRAINT `a, b)` CHECK `a\\`b 'c` != 'x5' AND NOT has(tags, '''') AND tags[2] != '77'", "[5 a, b) 77 a, b)]"},
			{", CONSTRAINT none CHECK 0 < 1, CONSTRAINT time CHECK toYear(at) = 2026 OR n = 1", "[]"},
			{", m UInt32 DEFAULT n, CONSTRAINT other CHECK m != 3", "[]"}, // cannot tell
			{", CONSTRAINT fails CHECK intDiv(1, n) = 0", "[]"},
		} {
			db.Exec(t, fmt.Sprintf("CREATE TABLE t%d (%s%s) ENGINE = MergeTree ORDER BY n", i, columns, tc.constraints))
			found, err := c.Violations(t.Context(), Insert{Table: fmt.Sprint("t", i), Block: b})
			require.NoError(t, err, tc.constraints)
			got := []string{}
			for _, v := range found {
				got = append(got, fmt.Sprint(v.Row, " ", v.Check.Name))
			}
			require.Equal(t, tc.want, fmt.Sprint(got), tc.constraints)
		}
		found, err := c.Violations(t.Context(), Insert{Table: "no_such", Block: b})
		require.NoError(t, err)
		require.Empty(t, found)
	})
}
