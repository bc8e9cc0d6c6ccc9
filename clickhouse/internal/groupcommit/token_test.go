package groupcommit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
)

func TestTokensDependOnEverything(t *testing.T) {
	t.Parallel()
	l := chtest.Compile(t, fact.Schema{Name: "pair", Fields: []fact.Field{{Name: "k", Type: fact.String}, {Name: "n", Type: fact.UInt16}}})
	type row struct{ id, text string }
	const a1, b2, b3 = `{"k":"a","n":1}`, `{"k":"b","n":2}`, `{"k":"b","n":3}`
	token := func(table string, rows ...row) string {
		b := l.NewBlock()
		var maker TokenMaker
		for _, r := range rows {
			require.NoError(t, b.AppendJSON([]byte(r.text)))
			maker.Add([]byte(r.id))
		}
		return maker.Token(table, b)
	}
	base := token("t", row{"1", a1}, row{"2", b2})
	require.Equal(t, base, token("t", row{"1", a1}, row{"2", b2}))
	seen := map[string]bool{base: true}
	for _, other := range []string{
		token("u", row{"1", a1}, row{"2", b2}),
		token("t", row{"2", b2}, row{"1", a1}),
		token("t", row{"1", a1}),
		token("t", row{"1", a1}, row{"3", b2}),
		token("t", row{"1", a1}, row{"2", b3}),
		token("t", row{"12", a1}, row{"", b2}),
		token("t", row{"", a1}), token("t", row{"", a1}),
		token("t", row{"1", a1}, row{"", b2}), token("t", row{"", a1}, row{"2", b2}),
	} {
		require.False(t, seen[other])
		seen[other] = true
	}
}
