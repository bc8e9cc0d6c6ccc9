package block

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// everything is a schema with a field for each of the value cases.
func everything() fact.Schema {
	s := fact.Schema{Name: "everything"}
	for i, tc := range allCases {
		f := tc.field
		f.Name = fmt.Sprintf("f%02d", i)
		s.Fields = append(s.Fields, f)
	}
	return s
}

// randomLine returns a row of everything with a random choice of accepted
// values in random order. With a bad one it ends in a value that is refused.
func randomLine(r *rand.Rand, bad bool) []byte {
	var pairs []string
	for _, i := range r.Perm(len(allCases)) {
		if r.IntN(3) > 0 {
			pairs = append(pairs, pair(r, i, false))
		} else if bad && refusable(i) {
			pairs = append(pairs, pair(r, i, true))
			bad = false
			// What follows is never read.
		}
	}
	if bad {
		pairs = append(pairs, `"unknown":1`)
	}
	return []byte("{" + strings.Join(pairs, ",") + "}")
}

func refusable(i int) bool {
	return slices.ContainsFunc(allCases[i].cases, func(c valueCase) bool { return c.json != "" && c.kind != nil })
}

func pair(r *rand.Rand, i int, bad bool) string {
	for {
		c := allCases[i].cases[r.IntN(len(allCases[i].cases))]
		if c.json != "" && (c.kind != nil) == bad && len(c.json) < 1000 {
			return fmt.Sprintf(`"f%02d":%s`, i, c.json)
		}
	}
}

func digest(b *Block) [sha256.Size]byte {
	h := sha256.New()
	b.WriteDigest(h)
	return [sha256.Size]byte(h.Sum(nil))
}

// TestRollback appends bad rows between good ones and finds no trace of them.
func TestRollback(t *testing.T) {
	t.Parallel()
	layout := mustCompile(t, everything(), Options{})
	clean, dirty := layout.NewBlock(), layout.NewBlock()
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		good := randomLine(r, false)
		require.NoError(t, clean.AppendJSON(good))
		for range 3 {
			before := dirty.Bytes()
			require.Error(t, dirty.AppendJSON(randomLine(r, true)))
			require.Equal(t, before, dirty.Bytes())
		}
		require.NoError(t, dirty.AppendJSON(good))
	}
	require.Equal(t, clean.Rows(), dirty.Rows())
	require.Equal(t, clean.Bytes(), dirty.Bytes())
	require.Equal(t, encoded(clean), encoded(dirty))
	require.Equal(t, digest(clean), digest(dirty))
}

func TestRollbackAfterPanic(t *testing.T) {
	t.Parallel()
	b := newBlock(t, rowSchema, Options{})
	require.NoError(t, b.AppendFact("", map[string]any{"s": "a"}))
	before := encoded(b)
	require.Panics(t, func() { _ = b.AppendFact("", map[string]any{"s": "b", "l": panicker{}}) })
	require.Equal(t, 1, b.Rows())
	require.Equal(t, before, encoded(b))
	require.NoError(t, b.AppendFact("", map[string]any{"s": "c"}))
	require.Equal(t, []string{`"a" NULL -5 "x" "none" [] 0`, `"c" NULL -5 "x" "none" [] 0`}, allValues(t, b))
}

type panicker struct{}

func (panicker) MarshalJSON() ([]byte, error) { panic("no") }

// TestLineNotKept overwrites each line once it has been appended.
func TestLineNotKept(t *testing.T) {
	t.Parallel()
	layout := mustCompile(t, everything(), Options{})
	want, got := layout.NewBlock(), layout.NewBlock()
	r := rand.New(rand.NewPCG(8, 8))
	var line []byte
	for range 100 {
		row := randomLine(r, false)
		require.NoError(t, want.AppendJSON(row))
		line = append(line[:0], row...)
		require.NoError(t, got.AppendJSON(line))
		for i := range line {
			line[i] = 'x'
		}
	}
	require.Equal(t, encoded(want), encoded(got))
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	layout := mustCompile(t, everything(), Options{})
	b := layout.NewBlock()
	r := rand.New(rand.NewPCG(2, 2))
	var states [][]string
	var digests [][sha256.Size]byte
	for range 60 {
		states, digests = append(states, encoded(b)), append(digests, digest(b))
		require.NoError(t, b.AppendJSON(randomLine(r, false)))
	}
	b.Truncate(60)
	b.Truncate(1000)
	require.Equal(t, 60, b.Rows())
	for n := len(states) - 1; n >= 0; n -= 1 + r.IntN(5) {
		b.Truncate(n)
		require.Equal(t, n, b.Rows())
		require.Equal(t, states[n], encoded(b))
		require.Equal(t, digests[n], digest(b))
	}
	require.Panics(t, func() { b.Truncate(-1) })
}

func TestReset(t *testing.T) {
	t.Parallel()
	layout := mustCompile(t, everything(), Options{})
	b := layout.NewBlock()
	r := rand.New(rand.NewPCG(3, 3))
	for range 3 {
		fresh := layout.NewBlock()
		b.Reset()
		require.Zero(t, b.Rows())
		require.Zero(t, b.Bytes())
		for range 50 {
			line := randomLine(r, false)
			require.NoError(t, b.AppendJSON(line))
			require.NoError(t, fresh.AppendJSON(line))
		}
		require.Equal(t, encoded(fresh), encoded(b))
	}
}

func TestAppendRows(t *testing.T) {
	t.Parallel()
	layout := mustCompile(t, everything(), Options{})
	again := mustCompile(t, everything(), Options{UnknownKeys: IgnoreUnknown}) // another layout with the same columns
	whole, src := layout.NewBlock(), again.NewBlock()
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		line := randomLine(r, false)
		require.NoError(t, whole.AppendJSON(line))
		require.NoError(t, src.AppendJSON(line))
	}
	dst := layout.NewBlock()
	for from := 0; from < src.Rows(); {
		to := min(from+r.IntN(20), src.Rows())
		require.NoError(t, dst.AppendRows(src, from, to))
		from = to
	}
	require.Equal(t, encoded(whole), encoded(dst))
	require.Equal(t, digest(whole), digest(dst))
	require.Equal(t, whole.Bytes(), dst.Bytes())

	// A part from the middle, and then more rows.
	part := layout.NewBlock()
	require.NoError(t, part.AppendRows(src, 70, 90))
	require.NoError(t, part.AppendJSON([]byte(`{}`)))
	require.Equal(t, allValues(t, whole)[70:90], allValues(t, part)[:20])

	require.ErrorIs(t, dst.AppendRows(dst, 0, 1), ErrLayout)
	require.ErrorIs(t, dst.AppendRows(newBlock(t, rowSchema, Options{}), 0, 0), ErrLayout)
	for _, bad := range [][2]int{{-1, 0}, {2, 1}, {0, 201}} {
		require.Panics(t, func() { _ = dst.AppendRows(src, bad[0], bad[1]) })
	}
}

// TestDigest: the digest depends on the rows and their order, and on nothing
// else.
func TestDigest(t *testing.T) {
	t.Parallel()
	schema := oneField(fact.Field{Type: fact.LowCardinalityString})
	ab, abba, ba := newBlock(t, schema, Options{}), newBlock(t, schema, Options{}), newBlock(t, schema, Options{})
	for _, v := range []string{`"a"`, `"b"`} {
		require.NoError(t, ab.AppendJSON(row(v)))
	}
	for _, v := range []string{`"b"`, `"a"`, `"b"`} {
		require.NoError(t, abba.AppendJSON(row(v)))
	}
	tail := newBlock(t, schema, Options{})
	require.NoError(t, tail.AppendRows(abba, 1, 3))
	require.Equal(t, digest(ab), digest(tail))
	require.NoError(t, ba.AppendRows(abba, 0, 2))
	require.NotEqual(t, digest(ab), digest(ba))

	empty := newBlock(t, oneField(fact.Field{Type: fact.String}), Options{})
	other := newBlock(t, oneField(fact.Field{Type: fact.Bool}), Options{})
	require.NotEqual(t, digest(empty), digest(other))

	// Where one value ends and the next begins makes a difference.
	two := fact.Schema{Name: "two", Fields: []fact.Field{{Name: "x", Type: fact.String}, {Name: "y", Type: fact.String, Array: true}}}
	seen := make(map[[sha256.Size]byte]string)
	for _, line := range []string{
		`{}`, `{"x":"a"}`, `{"y":["a"]}`, `{"y":["a",""]}`, `{"y":["","a"]}`, `{"x":"a","y":["a"]}`, `{"x":"aa"}`, `{"y":["aa"]}`,
	} {
		b := newBlock(t, two, Options{})
		require.NoError(t, b.AppendJSON([]byte(line)))
		require.NotContains(t, seen, digest(b), line)
		seen[digest(b)] = line
	}
}

// TestDictionaryGrows takes a dictionary over the sizes at which its keys get
// wider.
func TestDictionaryGrows(t *testing.T) {
	t.Parallel()
	for _, nullable := range []bool{false, true} {
		b := newBlock(t, oneField(fact.Field{Type: fact.LowCardinalityString, Nullable: nullable}), Options{})
		var want []string
		for i := range 70_000 {
			v := fmt.Sprintf("value-%d", i)
			require.NoError(t, b.AppendFact("", map[string]any{"x": v}))
			want = append(want, fmt.Sprintf("%q", v))
			switch i + 1 {
			case 253, 254, 255, 256, 257, 300, 65533, 65534, 65535, 65536, 65537:
				require.True(t, slices.Equal(want, values(t, b, 0)), "nullable %v, %d values", nullable, i+1)
			}
		}
		bytes := b.Bytes()
		for range 1000 { // known values cost a key and no more
			require.NoError(t, b.AppendJSON(row(`"value-7"`)))
		}
		require.Equal(t, bytes+4*1000, b.Bytes())
		b.Reset()
		require.NoError(t, b.AppendJSON(row(`"x"`)))
		require.Equal(t, []string{`"x"`}, values(t, b, 0))
	}
}

// TestInput checks that a block is sent whole and any number of times, by
// either of ch-go's ways.
func TestInput(t *testing.T) {
	t.Parallel()
	b := newBlock(t, everything(), Options{})
	r := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		require.NoError(t, b.AppendJSON(randomLine(r, false)))
	}
	for i, c := range b.Input() {
		info := b.Layout().Columns()[i]
		require.Equal(t, info.Name, c.Name)
		require.Equal(t, proto.ColumnType(info.Type), c.Data.Type())
		require.Equal(t, 20, c.Data.Rows())
		var plain proto.Buffer
		c.Data.EncodeColumn(&plain)
		for range 2 {
			var sink strings.Builder
			w := proto.NewWriter(&sink, new(proto.Buffer))
			c.Data.WriteColumn(w)
			_, err := w.Flush()
			require.NoError(t, err)
			require.Equal(t, string(plain.Buf), sink.String(), info.Type)
		}
	}
	empty := newBlock(t, everything(), Options{})
	for i := range empty.Input() {
		var buf proto.Buffer
		empty.EncodeColumn(i, &buf)
		require.Empty(t, buf.Buf)
	}
}

// TestMissing puts defaults of every type where a key is missing.
func TestMissing(t *testing.T) {
	t.Parallel()
	for _, tc := range allCases {
		for _, c := range tc.cases {
			if c.kind != nil {
				continue
			}
			for _, v := range c.same {
				if v == nil {
					continue // no default
				}
				f := tc.field
				f.Default = v
				b := newBlock(t, oneField(f), Options{})
				require.NoError(t, b.AppendJSON([]byte(`{}`)))
				require.NoError(t, b.AppendFact("", nil))
				require.Equal(t, []string{c.want, c.want}, values(t, b, 0), "%s: default %v", tc.name, v)
			}
		}
	}
}

// TestZero checks what stands for a missing value without a default.
func TestZero(t *testing.T) {
	t.Parallel()
	b := newBlock(t, everything(), Options{})
	require.NoError(t, b.AppendJSON([]byte(`{}`)))
	require.NoError(t, b.AppendFact("", nil))
	want := map[string]string{
		"bool": "false", "datetime64": "1970-01-01T00:00:00.000Z", "date": "1970-01-01",
		"uuid": "00000000-0000-0000-0000-000000000000", "enum": `"low"`, "string_map": "{}", "native_json": "{}",
		"string": `""`, "low_cardinality_string": `""`, "json": `"{}"`,
	}
	for i, tc := range allCases {
		expect, ok := want[tc.name]
		switch {
		case ok:
		case tc.field.Nullable:
			expect = "NULL"
		case tc.field.Array:
			expect = "[]"
		default:
			expect = "0"
		}
		require.Equal(t, []string{expect, expect}, values(t, b, i), tc.name)
	}
}
