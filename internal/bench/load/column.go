package main

import (
	"fmt"
	"time"

	"github.com/go-faster/jx"

	"github.com/factload/factload/fact"
)

// columnOf is a column of Go values, as clickhouse-go takes them.
type columnOf interface {
	decode(d *jx.Decoder) error // appends the next value
	zero()                      // appends what a row has that lacks the key
	len() int
	take() any // returns the values and forgets them
}

// values is a column of any type.
type values[T any] struct {
	all    []T
	read   func(*jx.Decoder) (T, error)
	absent T
}

func (c *values[T]) len() int { return len(c.all) }
func (c *values[T]) zero()    { c.all = append(c.all, c.absent) }

func (c *values[T]) decode(d *jx.Decoder) error {
	v, err := c.read(d)
	c.all = append(c.all, v)
	return err
}

func (c *values[T]) take() any {
	all := c.all
	c.all = make([]T, 0, len(all))
	return all
}

// column returns a column of values, or of pointers to them when NULL has to
// be told from zero.
func column[T any](f fact.Field, read func(*jx.Decoder) (T, error), absent T) columnOf {
	if !f.Nullable {
		return &values[T]{read: read, absent: absent}
	}
	return &values[*T]{read: func(d *jx.Decoder) (*T, error) {
		v, err := read(d)
		return &v, err
	}}
}

func newColumnOf(f fact.Field) (columnOf, error) {
	if f.Array {
		return column(f, readStrings, []string{}), nil
	}
	absent, err := zeroValue(fact.Field{Type: f.Type, Default: f.Default})
	if err != nil {
		return nil, err
	}
	switch absent := absent.(type) {
	case string:
		if f.Type == fact.JSON {
			return column(f, readRaw, absent), nil
		}
		return column(f, (*jx.Decoder).Str, absent), nil
	case bool:
		return column(f, (*jx.Decoder).Bool, absent), nil
	case uint16:
		return column(f, (*jx.Decoder).UInt16, absent), nil
	case uint32:
		return column(f, (*jx.Decoder).UInt32, absent), nil
	case uint64:
		return column(f, (*jx.Decoder).UInt64, absent), nil
	case int64:
		return column(f, (*jx.Decoder).Int64, absent), nil
	case float32:
		return column(f, (*jx.Decoder).Float32, absent), nil
	case float64:
		return column(f, (*jx.Decoder).Float64, absent), nil
	case time.Time:
		return column(f, readTime, absent), nil
	default:
		return nil, fmt.Errorf("the benchmark does not know the type %s", f.Type)
	}
}

func readRaw(d *jx.Decoder) (string, error) {
	raw, err := d.Raw()
	return string(raw), err
}

func readTime(d *jx.Decoder) (time.Time, error) {
	s, err := d.Str()
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, s)
}

func readStrings(d *jx.Decoder) ([]string, error) {
	var out []string
	err := d.Arr(func(d *jx.Decoder) error {
		s, err := d.Str()
		out = append(out, s)
		return err
	})
	return out, err
}
