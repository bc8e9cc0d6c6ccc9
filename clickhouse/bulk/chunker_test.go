package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

// cutChunk is what a test looks at of a chunk.
type cutChunk struct {
	data         string
	length       int64
	offset, line int64
	lines        int64
	kind         chunkKind
	sum          sum128
}

// newTestChunker returns a chunker whose buffers come from a pool, and a check
// that all but the chunker's own are back in it.
func newTestChunker(r io.Reader, l limits) (c *chunker, pool *bufferPool) {
	pool = newBufferPool(4, l.pieceBytes)
	return &chunker{limits: l, w: window{r: r, line: 1}, get: func() ([]byte, error) {
		select {
		case b := <-pool.free:
			return b[:0], nil
		default:
			return nil, errors.New("no buffer left")
		}
	}}, pool
}

// cutOne takes the pieces of the chunk that has begun.
func cutOne(t *testing.T, c *chunker, pool *bufferPool) (ch cutChunk, err error) {
	t.Helper()
	ch = cutChunk{offset: c.w.offset, line: c.w.line}
	length, lines := int64(0), int64(0)
	for {
		p, err := c.next()
		if err != nil {
			return ch, err
		}
		if p == nil {
			break
		}
		require.Equal(t, ch.offset+length, p.offset)
		require.Equal(t, ch.line+lines, p.line)
		require.Positive(t, p.length)
		length += p.length
		lines += p.lines
		ch.kind = p.kind
		ch.data += string(p.data)
		pool.put(p.data)
	}
	require.Equal(t, []int64{length, lines}, []int64{c.length, c.lines})
	ch.length, ch.lines = length, lines
	if kept := max(c.limits.pieceBytes, c.limits.lineBytes+2); ch.kind != wholeLines && len(ch.data) > kept {
		ch.data = ch.data[:kept]
	}
	if ch.kind != cutLine {
		ch.sum = c.digest.sum()
	}
	return ch, nil
}

// cutAll cuts all of an input.
func cutAll(t *testing.T, r io.Reader, l limits) ([]cutChunk, error) {
	t.Helper()
	c, pool := newTestChunker(r, l)
	var all []cutChunk
	for {
		more, err := c.begin()
		if err != nil {
			return all, err
		}
		if !more {
			break
		}
		ch, err := cutOne(t, c, pool)
		if err != nil {
			return all, err
		}
		all = append(all, ch)
	}
	b, owned := c.release()
	require.True(t, owned)
	pool.put(b)
	require.Len(t, pool.free, cap(pool.free), "every buffer is back")
	return all, nil
}

// cutSimply is the rule of chunker, line by line, applied to an input that is
// there as a whole.
func cutSimply(data []byte, l limits) []cutChunk {
	complete := func(line []byte) bool {
		line = bytes.Trim(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")), " \t\r")
		return len(line) == 0 || json.Valid(line)
	}
	var all []cutChunk
	for offset, number := 0, int64(1); offset < len(data); {
		ch := cutChunk{offset: int64(offset), line: number}
		n := 0
		for _, line := range bytes.SplitAfter(data[offset:], newline) {
			room := l.chunkBytes - n
			whole := bytes.HasSuffix(line, newline)
			if len(line) == 0 || ch.lines == int64(l.chunkLines) {
				break
			}
			if n == 0 && len(line) >= l.pieceBytes && !(whole && len(line) == l.pieceBytes) {
				// A long line.
				most := max(l.pieceBytes, l.lineBytes+2)
				switch {
				case whole && len(line) > most:
					ch.kind = overlongLine
				case !whole && (len(line) >= most || !complete(line)):
					ch.kind = cutLine
				}
				n = len(line)
				ch.lines += int64(bytes.Count(line, newline))
				break
			}
			if whole && len(line) > min(room, l.pieceBytes) || !whole && len(line) >= min(room, l.pieceBytes) {
				break
			}
			if !whole && !complete(line) {
				if n == 0 {
					n, ch.kind = len(line), cutLine
				}
				break
			}
			n += len(line)
			ch.lines += int64(bytes.Count(line, newline))
		}
		ch.length = int64(n)
		ch.data = string(data[offset : offset+n])
		if kept := max(l.pieceBytes, l.lineBytes+2); ch.kind != wholeLines && len(ch.data) > kept {
			ch.data = ch.data[:kept]
		}
		if ch.kind != cutLine {
			var d digest
			d.reset()
			d.write(data[offset : offset+n])
			ch.sum = d.sum()
		}
		all = append(all, ch)
		offset += n
		number += ch.lines
	}
	return all
}

var chunkerInputs = map[string]string{
	"empty":                 "",
	"one line":              "{}\n",
	"without end":           `{"a":1}`,
	"cut":                   "{}\n{\"a\":",
	"cut alone":             `{"a":`,
	"cut but valid":         "{}\n{\"a\":1}",
	"blank end":             "{}\n \t\r",
	"blank lines":           "\n\n\n{}\n\n",
	"crlf":                  "{}\r\n{}\r\n",
	"full":                  "{\"a\":12}\n{\"a\":3}\n",
	"ends with chunk":       "1234567\n1234567\n",
	"ends with piece":       "123\n1234567\n123\n",
	"longer than a chunk":   "{}\n" + strings.Repeat("x", 20) + "\n{}\n",
	"too long":              "{}\n" + strings.Repeat("x", 100) + "\n{}\n{}\n",
	"too long, cut":         "{}\n" + strings.Repeat("x", 100),
	"too long, valid":       strings.Repeat("1", 100),
	"long, valid":           "{}\n" + strings.Repeat("1", 20),
	"long, cut":             "{}\n" + strings.Repeat("x", 20),
	"long at limit":         strings.Repeat("x", 30) + "\n{}",
	"long over limit":       strings.Repeat("x", 34) + "\n{}",
	"many short":            strings.Repeat("1\n", 100),
	"byte order mark":       "\xEF\xBB\xBF{}\n",
	"byte order mark, tail": "\xEF\xBB\xBF{}",
	"byte order mark alone": "\xEF\xBB\xBF",
}

// testLimits are so small that short inputs have every kind of chunk.
var testLimits = limits{chunkBytes: 16, chunkLines: 4, pieceBytes: 8, lineBytes: 30}

func TestChunkerFollowsTheRule(t *testing.T) {
	t.Parallel()
	for name, input := range chunkerInputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := cutAll(t, strings.NewReader(input), testLimits)
			require.NoError(t, err)
			require.Equal(t, cutSimply([]byte(input), testLimits), got)
		})
	}
}

func TestChunkerDoesNotDependOnReads(t *testing.T) {
	t.Parallel()
	readers := map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader,
		"half":     iotest.HalfReader,
		"data err": iotest.DataErrReader,
		"random":   func(r io.Reader) io.Reader { return &randomReader{r: r, rnd: rand.New(rand.NewPCG(1, 2))} },
	}
	for name, wrap := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for input := range chunkerInputs {
				want, err := cutAll(t, strings.NewReader(chunkerInputs[input]), testLimits)
				require.NoError(t, err)
				got, err := cutAll(t, wrap(strings.NewReader(chunkerInputs[input])), testLimits)
				require.NoError(t, err, input)
				require.Equal(t, want, got, input)
			}
		})
	}
}

// randomReader reads any number of bytes, none at all included.
type randomReader struct {
	r   io.Reader
	rnd *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.r.Read(p[:r.rnd.IntN(len(p)+1)])
}

func TestChunkerReturnsReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, size := range []int{0, 5, 8, 16, 40, 100} {
		// The last line is incomplete, so the error comes before its chunk.
		data := strings.Repeat("{}\n", size/3) + strings.Repeat("x", size%3)
		got, err := cutAll(t, io.MultiReader(strings.NewReader(data), iotest.ErrReader(broken)), testLimits)
		require.ErrorIs(t, err, broken)
		for _, ch := range got {
			require.Equal(t, wholeLines, ch.kind)
			require.LessOrEqual(t, ch.offset+ch.length, int64(size))
		}
	}
	for _, long := range []int{10, 20, 60} {
		got, err := cutAll(t, io.MultiReader(strings.NewReader(strings.Repeat("x", long)), iotest.ErrReader(broken)), testLimits)
		require.ErrorIs(t, err, broken)
		require.Empty(t, got)
	}
}

func TestChunkerHoldsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	// A line of 64 MB passes through a window of 64 KiB.
	line := io.MultiReader(io.LimitReader(zeros{}, 64<<20), strings.NewReader("\n{}\n"))
	c, _ := newTestChunker(line, limits{chunkBytes: 4 << 10, chunkLines: 100, pieceBytes: 4 << 10, lineBytes: 64 << 10})
	c.checked = true
	more, err := c.begin()
	require.NoError(t, err)
	require.True(t, more)
	require.True(t, c.isLong())
	p, err := c.next()
	require.NoError(t, err)
	require.Equal(t, overlongLine, p.kind)
	require.EqualValues(t, 64<<20+1, p.length)
	require.LessOrEqual(t, cap(p.data), 2*64<<10)
	require.Equal(t, "{}\n", string(c.carry))
	p, err = c.next()
	require.NoError(t, err)
	require.Nil(t, p)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestChunkerTakesOtherEnds cuts an input where the test says, as the ledger
// may, and looks whether the rest is cut as an input of its own.
func TestChunkerTakesOtherEnds(t *testing.T) {
	t.Parallel()
	long := `{"a":` + strings.Repeat("1", 40) + "}\n"
	input := strings.Repeat("{\"a\":1}\n", 10) + long + strings.Repeat("{\"a\":1}\n", 10)
	for _, first := range []int{8, 16, 24, 80, 80 + len(long), len(input), len(input) - 1} {
		for _, skip := range []bool{true, false} {
			c, pool := newTestChunker(strings.NewReader(input), testLimits)
			more, err := c.begin()
			require.NoError(t, err)
			require.True(t, more)
			sum, ok := c.prefix().sum(int64(first))
			require.True(t, ok)
			var d digest
			d.reset()
			d.write([]byte(input[:first]))
			require.Equal(t, d.sum(), sum)
			if skip {
				c.skip(int64(first))
			} else {
				c.end = int64(first)
				ch, err := cutOne(t, c, pool)
				require.NoError(t, err)
				require.Equal(t, input[:first], ch.data)
				require.Equal(t, sum, ch.sum)
			}
			want := cutSimply([]byte(input[first:]), testLimits)
			for i := range want {
				more, err := c.begin()
				require.NoError(t, err)
				require.True(t, more)
				ch, err := cutOne(t, c, pool)
				require.NoError(t, err)
				require.Equal(t, int64(first)+want[i].offset, ch.offset)
				require.Equal(t, int64(strings.Count(input[:ch.offset], "\n"))+1, ch.line)
				require.Equal(t, want[i].data, ch.data)
			}
			more, err = c.begin()
			require.NoError(t, err)
			require.False(t, more)
		}
	}
}

func TestChunkerKnowsWhenAnEndIsBehindTheInput(t *testing.T) {
	t.Parallel()
	c, _ := newTestChunker(strings.NewReader("{}\n{}\n"), testLimits)
	_, err := c.begin()
	require.NoError(t, err)
	content := c.prefix()
	_, ok := content.sum(6)
	require.True(t, ok)
	_, ok = content.sum(7)
	require.False(t, ok)
}

func FuzzChunker(f *testing.F) {
	for _, input := range chunkerInputs {
		f.Add([]byte(input), uint8(16), uint8(4), uint8(8), uint8(30), uint64(1))
		f.Add([]byte(input), uint8(2), uint8(4), uint8(2), uint8(30), uint64(1))
		f.Add([]byte(input), uint8(2), uint8(4), uint8(1), uint8(1), uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, chunkBytes, chunkLines, pieceBytes, lineBytes uint8, seed uint64) {
		l := limits{chunkBytes: int(chunkBytes) + 1, chunkLines: int(chunkLines) + 1, lineBytes: int(lineBytes) + 1}
		l.pieceBytes = min(int(pieceBytes)+1, l.chunkBytes)
		if input.CheckText(data[:min(len(data), l.pieceBytes)]) != nil {
			t.Skip("not text")
		}
		got, err := cutAll(t, &randomReader{r: bytes.NewReader(data), rnd: rand.New(rand.NewPCG(seed, 0))}, l)
		require.NoError(t, err)
		require.Equal(t, cutSimply(data, l), got)
		var total int64
		for _, ch := range got {
			require.Positive(t, ch.length)
			total += ch.length
		}
		require.EqualValues(t, len(data), total)
	})
}

// TestChunkerPassesOverChunksInOneBuffer skips chunks of which each is a little
// longer than the one before.
func TestChunkerPassesOverChunksInOneBuffer(t *testing.T) {
	t.Parallel()
	const lines = 100
	for _, expect := range []int64{0, 100 << 20} {
		text := strings.Repeat(strings.Repeat("x", 1023)+"\n", 10*lines)
		c, _ := newTestChunker(strings.NewReader(text), limits{chunkBytes: 2 * lines << 10, chunkLines: 1000, pieceBytes: 8 << 10, lineBytes: 2048})
		c.w.expect = expect
		var buffer *byte
		for i := range int64(6) {
			more, err := c.begin()
			require.NoError(t, err)
			require.True(t, more)
			n := (lines + i) << 10
			_, ok := c.prefix().sum(n)
			require.True(t, ok)
			if i == 0 {
				buffer = &c.w.buf[0]
			}
			require.Same(t, buffer, &c.w.buf[0])
			c.skip(n)
		}
	}
}
