package block

import "math/bits"

// rowState is what is known of the row being read: which fields it has had,
// and which field is likely to come next.
type rowState struct {
	seen []uint64 // one bit for each field
	left int      // fields without a value yet
	// follow holds, for each field plus 1, the field that most likely comes
	// next; follow[0] is the first of a row. Rows of one file mostly have
	// their keys in one order, whatever it is. other is what came next before
	// that changed: rows of two kinds take turns in many files.
	follow, other []int
}

func newRowState(fields int) rowState {
	r := rowState{
		seen:   make([]uint64, (fields+63)/64),
		follow: make([]int, fields+1),
		other:  make([]int, fields+1),
	}
	for i := range r.follow {
		r.follow[i], r.other[i] = i%fields, i%fields
	}
	return r
}

func (r *rowState) begin(fields int) {
	clear(r.seen)
	r.left = fields
}

// mark notes that field i has a value and reports whether it had none before.
func (r *rowState) mark(i int) bool {
	word, bit := &r.seen[i>>6], uint64(1)<<(i&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	r.left--
	return true
}

func (r *rowState) has(i int) bool { return r.seen[i>>6]&(1<<(i&63)) != 0 }

// unseen returns the first field from i on that has no value, or -1.
func (r *rowState) unseen(i int) int {
	for w := i >> 6; w < len(r.seen); w++ {
		m := ^r.seen[w]
		if w == i>>6 {
			m &= ^uint64(0) << (i & 63)
		}
		if m != 0 {
			if i = w<<6 + bits.TrailingZeros64(m); i < len(r.follow)-1 {
				return i
			}
			break
		}
	}
	return -1
}
