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

// cutAll cuts all of an input.
func cutAll(r io.Reader, l limits) ([]cutChunk, error) {
	pool := newBufferPool(1, l.chunkBytes)
	c := &chunker{limits: l, w: window{r: r, line: 1}}
	get := func() ([]byte, error) {
		b, _ := pool.get(nil)
		return b, nil
	}
	var all []cutChunk
	for {
		more, err := c.next(get)
		if err != nil || !more {
			return all, err
		}
		s, err := c.natural()
		if err != nil {
			return all, err
		}
		ch := c.take(s)
		data := ch.data
		if kept := max(l.chunkBytes, l.lineBytes+2); len(data) > kept {
			data = data[:kept]
		}
		all = append(all, cutChunk{
			data: string(data), length: ch.length, offset: ch.offset, line: ch.line, lines: ch.lines, kind: ch.kind, sum: s.sum,
		})
		ch.release(pool)
	}
}

// cutSimply is the rule of chunker, applied to an input that is there as a
// whole.
func cutSimply(data []byte, l limits) []cutChunk {
	complete := func(line []byte) bool {
		line = bytes.Trim(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")), " \t\r")
		return len(line) == 0 || json.Valid(line)
	}
	var all []cutChunk
	offset, line := int64(0), int64(1)
	for len(data) > 0 {
		ch := cutChunk{offset: offset, line: line}
		n, whole := 0, len(data) < l.chunkBytes
		for count := 0; count < l.chunkLines; count++ {
			i := bytes.IndexByte(data[n:], '\n')
			if i < 0 || n+i+1 > l.chunkBytes {
				break
			}
			n += i + 1
		}
		rest := bytes.IndexByte(data[n:], '\n') < 0
		switch {
		case whole && rest && complete(data[n:]):
			n = len(data)
		case n == 0 && rest:
			n, ch.kind = len(data), cutLine
			if !whole && len(data) < max(l.chunkBytes, l.lineBytes+2) && complete(data) {
				ch.kind = wholeLines
			}
		case n == 0:
			n = bytes.IndexByte(data, '\n') + 1
			if n > max(l.chunkBytes, l.lineBytes+2) {
				ch.kind = overlongLine
			}
		}
		ch.length = int64(n)
		ch.data = string(data[:n])
		ch.lines = int64(strings.Count(ch.data, "\n"))
		if kept := max(l.chunkBytes, l.lineBytes+2); len(ch.data) > kept {
			ch.data = ch.data[:kept]
		}
		if ch.kind != cutLine {
			var d digest
			d.reset()
			d.write(data[:n])
			ch.sum = d.sum()
		}
		all = append(all, ch)
		data = data[n:]
		offset += int64(n)
		line += ch.lines
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
}

// testLimits are so small that short inputs have every kind of chunk.
var testLimits = limits{chunkBytes: 16, chunkLines: 4, lineBytes: 30}

func TestChunkerFollowsTheRule(t *testing.T) {
	t.Parallel()
	for name, input := range chunkerInputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := cutAll(strings.NewReader(input), testLimits)
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
				want, err := cutAll(strings.NewReader(chunkerInputs[input]), testLimits)
				require.NoError(t, err)
				got, err := cutAll(wrap(strings.NewReader(chunkerInputs[input])), testLimits)
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
	for _, size := range []int{0, 5, 16, 40, 100} {
		// The last line is incomplete, so the error comes before its chunk.
		data := strings.Repeat("{}\n", size/3) + strings.Repeat("x", size%3)
		got, err := cutAll(io.MultiReader(strings.NewReader(data), iotest.ErrReader(broken)), testLimits)
		require.ErrorIs(t, err, broken)
		for _, ch := range got {
			require.Equal(t, wholeLines, ch.kind)
			require.Less(t, ch.offset+ch.length, int64(size)+1)
		}
	}
	for _, long := range []int{20, 60} {
		got, err := cutAll(io.MultiReader(strings.NewReader(strings.Repeat("x", long)), iotest.ErrReader(broken)), testLimits)
		require.ErrorIs(t, err, broken)
		require.Empty(t, got)
	}
}

func TestChunkerHoldsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	// A line of 64 MB passes through a window of 64 KiB.
	line := io.MultiReader(io.LimitReader(zeros{}, 64<<20), strings.NewReader("\n{}\n"))
	l := limits{chunkBytes: 4 << 10, chunkLines: 100, lineBytes: 64 << 10}
	c := &chunker{limits: l, w: window{r: line, line: 1}, checked: true}
	more, err := c.next(func() ([]byte, error) { return nil, nil })
	require.NoError(t, err)
	require.True(t, more)
	s, err := c.natural()
	require.NoError(t, err)
	require.Equal(t, overlongLine, s.kind)
	require.EqualValues(t, 64<<20+1, s.length)
	ch := c.take(s)
	require.LessOrEqual(t, cap(ch.data), 2*l.lineBytes)
	require.Equal(t, "{}\n", string(c.carry))
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
	input := strings.Repeat("{\"a\":1}\n", 20)
	for _, first := range []int{8, 16, 24, 80, 160} {
		for _, skip := range []bool{true, false} {
			c := &chunker{limits: testLimits, w: window{r: strings.NewReader(input), line: 1}}
			get := func() ([]byte, error) { return nil, nil }
			more, err := c.next(get)
			require.NoError(t, err)
			require.True(t, more)
			sum, ok := c.sumTo(int64(first))
			require.True(t, ok)
			require.Equal(t, cutSimply([]byte(input[:first]), limits{1000, 1000, 1000})[0].sum, sum)
			s := span{length: int64(first), sum: sum}
			if skip {
				c.skip(s)
			} else {
				require.Equal(t, input[:first], string(c.take(s).data))
			}
			var rest []string
			for {
				more, err := c.next(get)
				require.NoError(t, err)
				if !more {
					break
				}
				s, err := c.natural()
				require.NoError(t, err)
				ch := c.take(s)
				require.EqualValues(t, first+len(strings.Join(rest, "")), ch.offset)
				require.EqualValues(t, ch.offset/8+1, ch.line)
				rest = append(rest, string(ch.data))
			}
			require.Equal(t, input[first:], strings.Join(rest, ""))
		}
	}
}

func TestChunkerKnowsWhenAnEndIsBehindTheInput(t *testing.T) {
	t.Parallel()
	c := &chunker{limits: testLimits, w: window{r: strings.NewReader("{}\n{}\n"), line: 1}}
	_, err := c.next(func() ([]byte, error) { return nil, nil })
	require.NoError(t, err)
	_, ok := c.sumTo(6)
	require.True(t, ok)
	_, ok = c.sumTo(7)
	require.False(t, ok)
	s, err := c.natural()
	require.NoError(t, err)
	require.EqualValues(t, 6, s.length)
}

func FuzzChunker(f *testing.F) {
	for _, input := range chunkerInputs {
		f.Add([]byte(input), uint8(16), uint8(4), uint8(30), uint64(1))
		f.Add([]byte(input), uint8(2), uint8(4), uint8(30), uint64(1))
		f.Add([]byte(input), uint8(2), uint8(4), uint8(1), uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, chunkBytes, chunkLines, lineBytes uint8, seed uint64) {
		l := limits{chunkBytes: int(chunkBytes) + 1, chunkLines: int(chunkLines) + 1, lineBytes: int(lineBytes) + 1}
		if checkText(data[:min(len(data), l.chunkBytes)]) != nil {
			t.Skip("not text")
		}
		got, err := cutAll(&randomReader{r: bytes.NewReader(data), rnd: rand.New(rand.NewPCG(seed, 0))}, l)
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
