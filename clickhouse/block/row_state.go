package block

import "math/bits"

// rowState is what is known of the row being read: which places it has had,
// and which place is likely to come next.
type rowState struct {
	fields int
	seen   []uint64 // one bit for each place
	left   int      // fields without a value yet
	// follow holds, for each place plus 1 and for the start of each object, the
	// place that most likely comes next, in the same object. Rows of one file
	// mostly have their keys in one order, whatever it is. other is what came
	// next before that changed: rows of two kinds take turns in many files.
	follow, other []int
}

func newRowState(l *Layout) rowState {
	return rowState{
		fields: len(l.fields),
		seen:   make([]uint64, (len(l.places)+63)/64),
		follow: l.predictions(),
		other:  l.predictions(),
	}
}

func (r *rowState) begin() {
	clear(r.seen)
	r.left = r.fields
}

// mark notes that field i has a value and reports whether it had none before.
func (r *rowState) mark(i int) bool {
	if !r.see(i) {
		return false
	}
	r.left--
	return true
}

// see notes that place i is there and reports whether it was not before.
func (r *rowState) see(i int) bool {
	word, bit := &r.seen[i>>6], uint64(1)<<(i&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
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
			if i = w<<6 + bits.TrailingZeros64(m); i < r.fields {
				return i
			}
			break
		}
	}
	return -1
}
