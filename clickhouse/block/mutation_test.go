package block

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/soak"
)

// TestSoakMutations takes random rows of random schemas, damages them a little and
// compares with the reference: what is still a row, and what it holds.
func TestSoakMutations(t *testing.T) {
	t.Parallel()
	const rows = 150
	for seed := range soak.Scale(8, 40) {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 7))}
		schema := g.schema()
		layout := mustCompile(t, schema, Options{MaxDepth: 20})
		b := layout.NewBlock()
		require.NoError(t, b.AppendJSON([]byte(g.row(schema))))
		before := encoded(b)
		taken := 0
		for range rows {
			line := mutate(g.r, []byte(g.row(schema)))
			want, ok := refRow(line, 20)
			stored := make(map[int]string)
			for _, p := range want {
				i, known := layout.containers[0].index[p.key]
				if ok = ok && known; !ok {
					break
				}
				if stored[i], ok = refValue(schema.Fields[i], p.raw); !ok {
					break
				}
			}
			err := b.AppendJSON(line)
			require.Equal(t, ok, err == nil, "seed %d: %s: %v", seed, line, err)
			if err == nil {
				taken++
				for i, v := range stored {
					require.Equal(t, v, values(t, b, i)[1], "seed %d: %s: %s", seed, schema.Fields[i].Name, line)
				}
				b.Truncate(1)
			}
			require.Equal(t, before, encoded(b))
		}
		require.NotZero(t, taken)
		require.NotEqual(t, rows, taken)
	}
}

// telling are the bytes that JSON and the values in it turn on.
var telling = []byte("{}[]\",:\\/ \t\n0123456789.-+eEtfnulTZaub\x00\x1f\x7f\x80\xc3\xa9\xff")

func mutate(r *rand.Rand, line []byte) []byte {
	for range r.IntN(3) {
		i := r.IntN(len(line))
		c := telling[r.IntN(len(telling))]
		switch r.IntN(5) {
		case 0:
			line = slices.Delete(line, i, i+1)
		case 1:
			line = slices.Insert(line, i, c)
		case 2:
			line[i] = c
		case 3:
			j := min(i+r.IntN(6), len(line))
			line = slices.Insert(line, i, slices.Clone(line[i:j])...)
		case 4:
			line = line[:max(len(line)-r.IntN(3), 0)]
		}
		if len(line) == 0 {
			break
		}
	}
	return line
}
