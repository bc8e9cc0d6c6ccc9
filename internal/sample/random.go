package sample

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Streams keep the random numbers of different things apart: conversation 7 and run 7 have nothing in common.
const (
	streamConversation uint64 = iota + 1
	streamRun
	streamCase
	streamBFCL
)

// A random is a source of random numbers that is cheap to seed again.
type random struct{ pcg rand.PCG }

// reset makes r start at the numbers that belong to item i of a stream under a seed.
func (r *random) reset(seed, stream, i uint64) {
	r.pcg.Seed(mix(seed^mix(stream)), mix(i))
}

// mix spreads the bits of x, so that neighbouring numbers give unrelated ones (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// bits64 returns 64 random bits.
func (r *random) bits64() uint64 { return r.pcg.Uint64() }

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n)) //nolint:gosec // n is a positive length
	return int(hi)                                 //nolint:gosec // hi is less than n
}

// chance is true in p of 1000 cases.
func (r *random) chance(p int) bool { return hits(r.bits64(), p) }

// hits is true for p of 1000 values of the lowest sixteen of the given bits.
func hits(bits uint64, p int) bool { return int(bits&0xffff)*1000>>16 < p }

// A picker draws an index with given weights in one table look-up.
type picker []uint8

// newPicker returns a picker for up to 256 weights. An index is drawn with a probability rounded to 1/1024.
func newPicker(weights ...int) picker {
	const size = 1024
	total := 0
	for _, w := range weights {
		total += w
	}
	p := make(picker, size)
	i, sum := 0, weights[0]
	for slot := range p {
		for slot*total >= sum*size {
			i++
			sum += weights[i]
		}
		p[slot] = uint8(i)
	}
	return p
}

// pick draws an index.
func (p picker) pick(r *random) int { return int(p[r.bits64()>>54]) }

// A spread is a log-normal distribution with the median 1, as a table of quantiles in 1/1024.
//
// A table keeps the rows equal on all machines: no floating-point function runs for a row.
type spread [1025]int64

// newSpread returns the distribution whose logarithm has the standard deviation sigma. It is cut at the quantiles
// 0.0005 and 0.9995.
func newSpread(sigma float64) *spread {
	var s spread
	for i := range s {
		p := min(max(float64(i)/1024, 0.0005), 0.9995)
		z := math.Sqrt2 * math.Erfinv(2*p-1)
		s[i] = int64(math.Round(1024 * math.Exp(sigma*z)))
	}
	return &s
}

// around draws a number whose median is the given one.
func (s *spread) around(r *random, median int64) int64 { return s.at(r.bits64(), median) }

// at returns the number that belongs to the lowest twenty of the given bits.
func (s *spread) at(bits uint64, median int64) int64 {
	slot, part := bits>>10&1023, int64(bits&1023)
	q := s[slot] + (s[slot+1]-s[slot])*part>>10
	return median * q >> 10
}
