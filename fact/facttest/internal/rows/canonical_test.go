package rows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// The two sides of a comparison may be written differently.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		field       fact.Field
		given, read any
	}{
		{fact.Field{Type: fact.UInt64}, uint64(1 << 63), "9223372036854775808"},
		{fact.Field{Type: fact.Decimal}, "1.50", 1.5},
		{fact.Field{Type: fact.DateTime64}, "2026-02-03T04:05:06.7+01:00", "2026-02-03 03:05:06.700"},
		{fact.Field{Type: fact.JSON}, `"text"`, ` "text"`},
		{fact.Field{Type: fact.JSON}, `{"b": [1]}`, `{"b":[1]}`},
		{fact.Field{Type: fact.JSON, Array: true}, []any{`{"b": 1}`, 2}, []any{`{"b":1}`, 2}},
		{fact.Field{Type: fact.JSON}, map[string]any{"b": 1, "a": 1.0}, `{"a":1,"b":1}`},
		{fact.Field{Type: fact.UUID}, "AB-CD", "abcd"},
		{fact.Field{Type: fact.Float32}, 0.1, float32(0.1)},
		{fact.Field{Type: fact.String, Nullable: true}, nil, nil},
	} {
		want, err := canonical(tc.field, tc.given, Given)
		require.NoError(t, err)
		got, err := canonical(tc.field, tc.read, Read)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, pair := range [][2]any{{"1", "2"}, {nil, ""}, {"a", "A"}} {
		a, errA := canonical(fact.Field{Type: fact.String}, pair[0], Given)
		b, errB := canonical(fact.Field{Type: fact.String}, pair[1], Read)
		require.NoError(t, errA)
		require.NoError(t, errB)
		require.NotEqual(t, a, b)
	}
}
