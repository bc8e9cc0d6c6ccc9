package groupcommit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPaceWidensWithParts(t *testing.T) {
	t.Parallel()
	p := pacer{base: 10 * time.Millisecond}
	for _, tc := range []struct {
		parts, rows int
		want        time.Duration
	}{
		{0, 0, 10 * time.Millisecond},
		{50, 500, 5 * time.Millisecond},
		{50, 1000, 0},
		{50, 5000, 0},
		{100, 0, 20 * time.Millisecond},
		{100, 5000, 20 * time.Millisecond},
		{500, 1, 100 * time.Millisecond},
		{50_000, 1, time.Second},
	} {
		p.parts = tc.parts
		require.Equal(t, tc.want, p.interval(tc.rows), "%+v", tc)
	}
	eager := pacer{base: 10 * time.Millisecond, eager: true, parts: 15}
	require.Zero(t, eager.interval(1), "the server merges as fast as parts come")
	eager.parts++
	require.Equal(t, 10*time.Millisecond, eager.interval(0))
	p.base = 2 * time.Second
	require.Equal(t, 2*time.Second, p.interval(0), "never shorter than asked for")
	p.base = 0
	require.Zero(t, p.interval(0), "no pacing")
}
