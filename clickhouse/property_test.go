package clickhouse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestRandomFactsComeBack stores facts with random values in every field and
// reads them back.
func TestRandomFactsComeBack(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, _ *enginetest.DB, m *Materializer) {
		s := chtest.WideSchema
		s.Fields = slices.DeleteFunc(slices.Clone(s.Fields), func(f fact.Field) bool { return f.Name == "dec" || f.Name == "native" })
		require.NoError(t, m.EnsureSchema(t.Context(), s))
		const seed = 20260203
		rng := rand.New(rand.NewPCG(seed, 1))
		var want []wideScan
		for call := range 20 {
			var facts []fact.Fact
			for range 1 + rng.IntN(50) {
				row := randomRow(rng)
				row.ID = fmt.Sprintf("%06d %s", len(want), row.ID)
				want = append(want, row)
				facts = append(facts, fact.Fact{Schema: "wide", ID: row.ID, Data: row.data(rng)})
			}
			for range 1 + rng.IntN(2) {
				require.NoError(t, m.Materialize(t.Context(), facts...), "call %d", call)
			}
		}
		var got []wideScan
		require.NoError(t, m.client.Select(t.Context(), &got, "SELECT * FROM wide ORDER BY id"))
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, want[i], got[i])
		}
	})
}

func randomRow(rng *rand.Rand) wideScan {
	u := rng.Uint64()
	row := wideScan{
		ID: randomText(rng), At: time.UnixMilli(rng.Int64N(4_000_000_000_000)).UTC(), LC: maybe(rng, randomText(rng)), OK: u&1 == 0,
		N16: uint16(u), N32: maybe(rng, uint32(u)), F32: float32(rng.NormFloat64()), F64: maybe(rng, math.Ldexp(rng.NormFloat64(), rng.IntN(200)-100)),
		Doc: maybe(rng, fmt.Sprintf("%q", fmt.Sprint(u))),
		I8:  int8(u), I16: int16(u), I32: int32(u), I64: int64(u), U8: uint8(u), U64: u,
		Day:  time.Unix(int64(uint16(u))*86400, 0).UTC(),
		UID:  fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", uint32(u), uint16(u>>3), uint16(u>>5), uint16(u>>7), u>>16),
		Kind: []string{"a", "b'c"}[u%2],
		Tags: []string{}, Nums: []int64{}, Meta: map[string]string{},
	}
	for range rng.IntN(4) {
		row.Tags = append(row.Tags, randomText(rng))
		row.Nums = append(row.Nums, rng.Int64())
		row.Meta[randomText(rng)] = randomText(rng)
	}
	return row
}

// data returns the row as the data of a fact. Null is left out as often as it
// is given.
func (r wideScan) data(rng *rand.Rand) map[string]any {
	d := map[string]any{
		"id": r.ID, "at": r.At, "ok": r.OK, "n16": int(r.N16), "f32": r.F32, "i8": r.I8, "i16": int64(r.I16), "i32": r.I32, "i64": r.I64,
		"u8": uint64(r.U8), "u64": r.U64, "day": r.Day.Format(time.DateOnly), "uid": r.UID, "kind": r.Kind, "tags": r.Tags, "nums": r.Nums, "meta": r.Meta,
		"lc": r.LC, "n32": r.N32, "f64": r.F64,
	}
	if r.Doc != nil {
		d["doc"] = *r.Doc // a string in a json field holds JSON
	}
	for _, name := range []string{"lc", "n32", "f64"} {
		if isNil(d[name]) && rng.IntN(2) == 0 {
			delete(d, name)
		}
	}
	return d
}

func isNil(v any) bool {
	switch p := v.(type) {
	case *string:
		return p == nil
	case *uint32:
		return p == nil
	case *float64:
		return p == nil
	}
	return false
}

func maybe[T any](rng *rand.Rand, v T) *T {
	if rng.IntN(3) == 0 {
		return nil
	}
	return &v
}

var alphabet = []rune("ab \t\n\r\"'\\`{}[]:,%\x00\x01ü漢🙂")

func randomText(rng *rand.Rand) string {
	out := make([]rune, rng.IntN(12))
	for i := range out {
		out[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(out)
}
