package groupcommit

import "github.com/cespare/xxhash/v2"

// maxUnconfirmed is how many fact IDs of a table are kept.
const maxUnconfirmed = 1 << 18

// unconfirmed is a set of the fact IDs that the table may have or not: their callers
// were told so, and may give the facts again. It holds hashes: a wrong hit
// costs a look into the table, no more. When it is full, the oldest are
// forgotten.
type unconfirmed struct {
	known     map[uint64]struct{}
	order     []uint64 // ring of the known ones
	next      int      // place in the ring of the oldest
	forgotten int64
}

func (d *unconfirmed) empty() bool { return len(d.known) == 0 }

func (d *unconfirmed) has(id []byte) bool {
	_, ok := d.known[xxhash.Sum64(id)]
	return ok
}

func (d *unconfirmed) add(id []byte) {
	h := xxhash.Sum64(id)
	if _, ok := d.known[h]; ok {
		return
	}
	if d.known == nil {
		d.known = make(map[uint64]struct{})
	}
	d.known[h] = struct{}{}
	if len(d.order) < maxUnconfirmed {
		d.order = append(d.order, h)
		return
	}
	delete(d.known, d.order[d.next])
	d.order[d.next] = h
	d.next = (d.next + 1) % maxUnconfirmed
	d.forgotten++
}
