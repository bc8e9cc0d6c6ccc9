package block

import "github.com/ClickHouse/ch-go/proto"

// offsets says where the elements of each row of an array or a map end: as many
// little-endian uint64 as there are rows. Rows of 2, 0 and 3 elements are
//
//	2 | 2 | 5
type offsets struct {
	ends proto.ColUInt64
}

func (o *offsets) Rows() int { return len(o.ends) }

// end returns where the elements of the first n rows end.
func (o *offsets) end(n int) int {
	if n == 0 {
		return 0
	}
	return int(o.ends[n-1])
}

// close ends a row behind the first n elements.
func (o *offsets) close(n int) {
	o.ends = append(o.ends, uint64(n))
}

// closeAll ends rows like the rows from..to of src, whose elements have been
// appended to the first n elements here.
func (o *offsets) closeAll(src *offsets, from, to, n int) {
	first := src.end(from)
	for i := from; i < to; i++ {
		o.close(n + src.end(i+1) - first)
	}
}

// truncate removes all rows from row n on and returns where the elements of
// the others end.
func (o *offsets) truncate(n int) int {
	o.ends = o.ends[:min(n, len(o.ends))]
	return o.end(len(o.ends))
}

func (o *offsets) reset() { o.ends = o.ends[:0] }

func (o *offsets) grow(f float64) { o.ends = grown(o.ends, f) }

func (o *offsets) bytes() int { return 8 * len(o.ends) }
