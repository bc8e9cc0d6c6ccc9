package block

import (
	"bytes"
	"hash/maphash"
)

// hashSeed keeps the hashes of a process apart from those an attacker could
// prepare for.
var hashSeed = maphash.MakeSeed()

// interner numbers distinct strings in the order of their arrival, from 0. Its
// memory is the strings themselves, their hashes and a hash table.
type interner struct {
	wireStrings
	hashes []uint32 // of each string
	slots  []uint32 // open addressing: number of the string plus 1, or 0
}

const minSlots = 16 // a power of two

// intern returns the number of v and whether it is new. The string is copied
// if it is.
func (t *interner) intern(v []byte) (id int, added bool) {
	if 2*len(t.hashes) >= len(t.slots) {
		t.grow()
	}
	h := uint32(maphash.Bytes(hashSeed, v))
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			id = len(t.hashes)
			t.slots[i] = uint32(id + 1)
			t.push(v)
			t.hashes = append(t.hashes, h)
			return id, true
		}
		if id = int(slot - 1); t.hashes[id] == h && bytes.Equal(t.at(id), v) {
			return id, false
		}
	}
}

// grow doubles the hash table. The strings go in again in their order, so the
// table is at every time what interning them one by one makes of it.
func (t *interner) grow() {
	t.slots = make([]uint32, max(2*len(t.slots), minSlots))
	mask := uint32(len(t.slots) - 1)
	for id, h := range t.hashes {
		i := h & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(id + 1)
	}
}

// forget removes all strings from number n on. Taken out last in, first out,
// they leave no gap that a search for another one would stop at.
func (t *interner) forget(n int) {
	mask := uint32(len(t.slots) - 1)
	for id := len(t.hashes) - 1; id >= n; id-- {
		i := t.hashes[id] & mask
		for t.slots[i] != uint32(id+1) {
			i = (i + 1) & mask
		}
		t.slots[i] = 0
	}
	t.hashes = t.hashes[:min(n, len(t.hashes))]
	t.truncate(n)
}

// clear removes all strings. A small number of them costs little, however
// large the table has grown.
func (t *interner) clear() {
	if len(t.hashes) > len(t.slots)/8 {
		clear(t.slots)
		t.hashes = t.hashes[:0]
		t.wireStrings.reset()
		return
	}
	t.forget(0)
}
