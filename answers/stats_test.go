package answers_test

import (
	"cmp"
	"maps"
	"math"
	"math/big"
	"slices"
)

// What follows computes in another way than the SQL does, wherever there is one.

const z95 = 1.959963984540054

// wilson solves |p - π| = z √(π(1-π)/n) for π.
func wilson(p, n float64) (low, high float64) {
	a, b, c := 1+z95*z95/n, -(2*p + z95*z95/n), p*p
	root := math.Sqrt(max(0, b*b-4*a*c))
	return max(0, (-b-root)/(2*a)), min(1, (-b+root)/(2*a))
}

// signTest is the exact two-sided test of k of n, with p = 1/2.
func signTest(better, worse int) float64 {
	n, sum := int64(better+worse), new(big.Int)
	for i := int64(0); i <= int64(min(better, worse)); i++ {
		sum.Add(sum, new(big.Int).Binomial(n, i))
	}
	p, _ := new(big.Rat).SetFrac(sum, new(big.Int).Lsh(big.NewInt(1), uint(n))).Float64()
	return min(1, 2*p)
}

// holm adjusts p-values by going through them from the smallest.
func holm[K cmp.Ordered](p map[K]float64) map[K]float64 {
	keys := slices.SortedFunc(maps.Keys(p), func(a, b K) int { return cmp.Compare(p[a], p[b]) })
	out, before := map[K]float64{}, 0.0
	for i, key := range keys {
		before = max(before, min(1, float64(len(keys)-i)*p[key]))
		out[key] = before
	}
	return out
}

// quantile is the smallest value that at least the share q of values does not exceed.
func quantile(q float64, values []int) any {
	if len(values) == 0 {
		return nil
	}
	values = slices.Sorted(slices.Values(values))
	for i, v := range values {
		if float64(i+1) >= q*float64(len(values)) {
			return v
		}
	}
	return values[len(values)-1]
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// variance is the sample variance.
func variance(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(values)-1)
}

// binomial is n over k.
func binomial(n, k int) float64 {
	if k > n {
		return 0
	}
	f, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
	return f
}

// groups collects rows by a key.
func groups[T any, K comparable](rows []T, key func(T) (K, bool)) map[K][]T {
	out := map[K][]T{}
	for _, row := range rows {
		if k, ok := key(row); ok {
			out[k] = append(out[k], row)
		}
	}
	return out
}

func count[T any](rows []T, is func(T) bool) int {
	n := 0
	for _, row := range rows {
		if is(row) {
			n++
		}
	}
	return n
}

func share(k, n int) float64 { return float64(k) / float64(n) }

func known[T any, V any](rows []T, value func(T) *V) []V {
	var out []V
	for _, row := range rows {
		if v := value(row); v != nil {
			out = append(out, *v)
		}
	}
	return out
}
