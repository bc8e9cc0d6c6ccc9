package block

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func TestAppendFactID(t *testing.T) {
	t.Parallel()
	for typ, ids := range map[fact.FieldType][][2]string{
		fact.String: {{"a", "a"}, {"ü b", "ü b"}},
		fact.UUID: {
			{"61F0C404-5cb3-11e7-907b-a6006ad3dba0", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"},
			{"000102030405060708090a0b0c0d0e0f", "00010203-0405-0607-0809-0a0b0c0d0e0f"},
		},
	} {
		l, err := Compile(fact.Schema{Name: "t", Fields: []fact.Field{{Name: "n", Type: fact.Int64}, {Name: "id", Type: typ, FactID: true}}}, Options{})
		require.NoError(t, err)
		b := l.NewBlock()
		for _, id := range ids {
			require.NoError(t, b.AppendFact(id[0], map[string]any{"n": 1}))
		}
		for i, id := range ids {
			require.Equal(t, "x"+id[1], string(b.AppendFactID([]byte("x"), i)))
		}
		require.Panics(t, func() { b.AppendFactID(nil, len(ids)) })
		require.Panics(t, func() { b.AppendFactID(nil, -1) })
	}
	l, err := Compile(fact.Schema{Name: "t", Fields: []fact.Field{{Name: "n", Type: fact.Int64}}}, Options{})
	require.NoError(t, err)
	b := l.NewBlock()
	require.NoError(t, b.AppendFact("a", map[string]any{"n": 1}))
	require.Empty(t, b.AppendFactID(nil, 0), "no field carries it")
}
