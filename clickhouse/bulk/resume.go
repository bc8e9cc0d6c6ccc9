package bulk

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// candidate is a chunk that is known to follow a position in a chain: from the
// ledger, or from this load.
type candidate struct {
	token         token
	head          uint64
	length, lines int64
	content       sum128 // set by match
	// done means that the chunk is in its tables for certain. A chunk that was
	// only started may be.
	done     bool
	rows     int64
	file     string // path
	load     string
	time     time.Time
	mine     *record // of this load; rows is not set then
	rejected int64
	rejects  string // which rows; see rejectedRows
	rules    string // by which it was done
	// parts are the parts of divided inserts that are stored, by table.
	parts map[string]int
	// begun are the attempts to load the chunk, those left out that are known
	// to have inserted nothing.
	begun []attempt
}

// attempt is a load that has begun to load a chunk.
type attempt struct {
	rules string // empty when they were not recorded
	load  string
	time  time.Time
	batch string // in which it was begun, if it was with other chunks
}

// byOtherRules returns an attempt at the chunk that has made, or may have made,
// other rows than the given rules do, if it is not known that the chunk is
// done. It returns nil if there is none.
func (c *candidate) byOtherRules(rules string) *attempt {
	if c.done {
		return nil
	}
	for i := range c.begun {
		if a := &c.begun[i]; a.rules != "" && a.rules != rules {
			return a
		}
	}
	return nil
}

// record is what a load remembers of a chunk of its own.
type record struct {
	// Set when the chunk is committed; guarded by the counters's lock.
	rows, rejected int64
}

// lookup returns the chunks known to follow a position: those whose first line
// has the given head, and those loaded from the given path.
type lookup func(ctx context.Context, parent token, head uint64, path string) ([]candidate, error)

// match finds the candidate that the input goes on with, comparing content,
// when the chunker has just begun a chunk. Of several, a finished one is better
// than one that was only started, and a longer one better than a shorter one.
func match(c *chunker, at token, head uint64, candidates []candidate) *candidate {
	slices.SortFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.length, b.length) })
	var best *candidate
	content := c.prefix()
	// Of a chunk that is longer and has no more than one line end, the line is
	// over its limit: it is found by its own end, without holding all of it.
	overlong := int64(max(2*mostPieceBytes, c.limits.lineBytes+len("\r\n")))
	for i := range candidates {
		x := &candidates[i]
		if !c.begins(x, head) || x.length > overlong && x.lines <= 1 {
			continue
		}
		if x.length > int64(c.limits.chunkBytes) && best != nil {
			continue // of a load with larger chunks: not worth the memory
		}
		sum, ok := content.sum(x.length)
		if !ok {
			break
		}
		x.content = sum
		if at.next(x.length, sum) == x.token && (best == nil || x.done || !best.done) {
			best = x
		}
	}
	return best
}

// begins reports whether a chunk that has just begun, with the given head, may
// be the candidate. One without a line end may have become a part of a line.
func (c *chunker) begins(x *candidate, head uint64) bool {
	return x.head == head ||
		x.lines == 0 && x.length <= int64(len(c.w.buf)) && x.head == headOf(c.w.buf[:x.length])
}

// byToken returns the candidate with the given token, or nil.
func byToken(candidates []candidate, t token) *candidate {
	for i := range candidates {
		if candidates[i].token == t {
			return &candidates[i]
		}
	}
	return nil
}

// byPath returns the longest candidate that came from the given path, or nil.
func byPath(candidates []candidate, path string) *candidate {
	var last *candidate
	for i := range candidates {
		if x := &candidates[i]; x.file == path && x.mine == nil && (last == nil || x.length > last.length) {
			last = x
		}
	}
	return last
}
