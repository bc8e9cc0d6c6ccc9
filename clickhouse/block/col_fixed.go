package block

import (
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"
)

// wire is a ch-go column that is a slice of T.
type wire[T any] interface {
	~[]T
	EncodeColumn(b *proto.Buffer)
	WriteColumn(w *proto.Writer)
}

// fixed is the store of a column whose values all have the same size. C is the
// ch-go column that knows their form on the wire, which is the values one behind
// the other, each of them little-endian:
//
//	value 0 | value 1 | value 2 | …
type fixed[T any, C wire[T]] struct {
	typ  proto.ColumnType
	data C
}

func (c *fixed[T, C]) Type() proto.ColumnType             { return c.typ }
func (c *fixed[T, C]) Rows() int                          { return len(c.data) }
func (c *fixed[T, C]) EncodeColumn(b *proto.Buffer)       { c.data.EncodeColumn(b) }
func (c *fixed[T, C]) WriteColumn(w *proto.Writer)        { c.data.WriteColumn(w) }
func (c *fixed[T, C]) digest(d *digester)                 { c.data.EncodeColumn(&d.Buffer) }
func (c *fixed[T, C]) reset()                             { c.data = c.data[:0] }
func (c *fixed[T, C]) grow(f float64)                     { c.data = grown(c.data, f) }
func (c *fixed[T, C]) truncate(n int)                     { c.data = c.data[:min(n, len(c.data))] }
func (c *fixed[T, C]) bytes() int                         { var v T; return len(c.data) * int(unsafe.Sizeof(v)) }
func (c *fixed[T, C]) appendZero()                        { var v T; c.data = append(c.data, v) }
func (c *fixed[T, C]) push(v T)                           { c.data = append(c.data, v) }
func (c *fixed[T, C]) pushAll(src *fixed[T, C], i, j int) { c.data = append(c.data, src.data[i:j]...) }
