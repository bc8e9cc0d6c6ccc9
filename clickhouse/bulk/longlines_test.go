package bulk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// item is a row with a text of n bytes, without a line end.
func item(id, n int) string {
	return fmt.Sprintf(`{"id":%d,"text":%q}`, id, strings.Repeat("y", n))
}

// TestLoadKnowsLongLines loads files once more that have lines longer than a
// piece, or that a load with other sizes took in another way.
func TestLoadKnowsLongLines(t *testing.T) {
	t.Parallel()
	two := item(1, 1500<<10) + "\n" + item(2, 1500<<10)
	for _, c := range []struct {
		name, text    string
		first, second int // ChunkBytes
		maxLine       int
	}{
		{"two, the last without an end", two, 0, 0, 0},
		{"two, then small chunks", two, 0, 1 << 20, 0},
		{"two, in small chunks before", two, 1 << 20, 0, 0},
		{"two over the limit", two, 0, 0, 1 << 20},
		{"two over the limit, then small chunks", two, 0, 1 << 20, 1 << 20},
		{"the first, then smaller chunks", item(1, 600<<10) + "\n" + string(lines(2, 1000)), 0, 4 << 20, 0},
		{"the first, then larger chunks", item(1, 600<<10) + "\n" + string(lines(2, 1000)), 4 << 20, 0, 0},
		{"far over the limit", string(lines(0, 10)) + item(11, 5<<20) + "\n" + string(lines(12, 20)), 0, 1 << 20, 1 << 20},
		{"five", strings.Repeat(item(1, 2500<<10)+"\n", 5) + item(1, 2500<<10), 0, 4 << 20, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			cfg := r.config(r.file("a", []byte(c.text)))
			cfg.ChunkBytes, cfg.MaxLineBytes = c.first, c.maxLine
			sum := r.load(cfg)
			count := r.count()
			require.EqualValues(t, strings.Count(c.text, "\n"), sum.Rows+sum.Rejected-int64(1-strings.Count(c.text[len(c.text)-1:], "\n")))
			again := func(cfg Config) {
				t.Helper()
				got := r.load(cfg)
				require.Zero(t, got.Rows)
				require.Equal(t, sum.Rows+sum.SkippedRows, got.SkippedRows)
				require.Equal(t, count, r.count())
			}
			again(cfg)
			cfg.ChunkBytes = c.second
			again(cfg)
			cfg.Inputs = []string{r.file("renamed", []byte(c.text))}
			again(cfg)
		})
	}
}

func TestLoadGrownLongLine(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	text := item(1, 2500<<10)
	cfg := r.config(r.file("a", []byte(text)))
	cfg.ChunkBytes = 0
	r.load(cfg)
	r.file("a", []byte(text+"\n"+item(2, 1)+"\n"))
	sum := r.load(cfg)
	require.EqualValues(t, 1, sum.Rows)
	require.EqualValues(t, 1, sum.SkippedRows)
	require.Equal(t, "2\t2", r.count())
}

// TestLoadGoesOnBehindALongLine has a long line in a chunk that was begun.
func TestLoadGoesOnBehindALongLine(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", []byte(item(1, 600<<10)+"\n"+string(lines(2, 1000))+item(1000, 1<<20))))
	cfg.ChunkBytes = 0
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 0, applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	cfg.ChunkBytes = 2 << 20
	r.load(cfg)
	require.Equal(t, "1000\t1000", r.count())
}
