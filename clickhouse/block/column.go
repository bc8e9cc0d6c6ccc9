package block

import (
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/fact"
)

// column is one growing column. All columns of a block have the same number of
// rows between rows; while a row is being appended some have one more.
//
// An append that fails may leave part of a value behind. The caller then calls
// truncate, which takes any state back to a number of complete rows.
type column interface {
	// ColInput is the form that ch-go sends. EncodeColumn and WriteColumn may
	// be called any number of times. A column with a state prefix is a
	// proto.StateEncoder too.
	proto.ColInput
	appender
	store
}

// appender adds one row.
type appender interface {
	// appendJSON adds the JSON value at the scanner's position and moves the
	// position behind it. White space in front has been skipped. The text is
	// not kept.
	appendJSON(s *scanner) error
	// appendZero adds what ClickHouse stores for a missing value without a
	// default: NULL in a nullable column, else the type's zero.
	appendZero()
	// appendRows adds the rows from..to of a column of the same kind and type.
	appendRows(src column, from, to int)
}

// store is what does not depend on the kind of value.
type store interface {
	// truncate removes everything from row n on, partial values included.
	truncate(n int)
	// reset removes all rows and keeps the memory.
	reset()
	// grow makes room for f times what the column holds.
	grow(f float64)
	// bytes is the memory the rows take.
	bytes() int
	// digest hashes the canonical content of the column.
	digest(d *digester)
}

// grown returns s with room for f times its elements, and a quarter more if it
// has to be made larger: a guess is never quite right. Memory that is not
// needed yet is not touched.
func grown[S ~[]E, E any](s S, f float64) S {
	n := int(float64(len(s)) * f)
	if n <= cap(s) {
		return s
	}
	out := make(S, len(s), n+n/4)
	copy(out, s)
	return out
}

// as returns src as a column of the kind C. Blocks of equal layouts have columns
// of the same kinds.
func as[C column](src column) C {
	c, ok := src.(C)
	if !ok {
		panic(fmt.Sprintf("block: column is a %T, not a %T", src, c))
	}
	return c
}

// newColumn returns an empty column for the field, whose ClickHouse type is typ.
func newColumn(f fact.Field, typ string) (column, error) {
	t := proto.ColumnType(typ)
	switch {
	case f.Array:
		f.Array = false
		elem, err := newColumn(f, "")
		if err != nil {
			return nil, err
		}
		return &arrayColumn{typ: t, elem: elem}, nil
	case f.Type == fact.LowCardinalityString:
		return &lowCardinalityColumn{typ: t, nullable: f.Nullable}, nil
	case f.Nullable:
		f.Nullable = false
		elem, err := newColumn(f, "")
		if err != nil {
			return nil, err
		}
		return &nullableColumn{typ: t, elem: elem}, nil
	}
	return newPlainColumn(f, t)
}

func newPlainColumn(f fact.Field, t proto.ColumnType) (column, error) {
	switch f.Type {
	case fact.String:
		return &stringColumn{typ: t}, nil
	case fact.Bool:
		return &boolColumn{fixed: fixed[bool, proto.ColBool]{typ: t}}, nil
	case fact.Float32:
		return newFloat32Column(t, f.Quoted), nil
	case fact.Float64:
		return newFloat64Column(t, f.Quoted), nil
	case fact.DateTime64:
		return newDateTimeColumn(t, f), nil
	case fact.Date:
		return &dateColumn{fixed: fixed[uint16, proto.ColUInt16]{typ: t}, unit: f.Unit}, nil
	case fact.UUID:
		return newUUIDColumn(t), nil
	case fact.Decimal:
		return newDecimalColumn(t, f.Precision, f.Scale), nil
	case fact.Enum:
		return newEnumColumn(t, f.Values), nil
	case fact.JSON:
		return &jsonColumn{stringColumn{typ: t}}, nil
	case fact.StringMap:
		return &mapColumn{typ: t}, nil
	case fact.NativeJSON:
		return &nativeJSONColumn{stringColumn: stringColumn{typ: t}}, nil
	}
	return newIntegerColumn(f, t)
}

func newIntegerColumn(f fact.Field, t proto.ColumnType) (column, error) {
	switch f.Type {
	case fact.Int8:
		return newIntColumn[int8, proto.ColInt8](t, f), nil
	case fact.Int16:
		return newIntColumn[int16, proto.ColInt16](t, f), nil
	case fact.Int32:
		return newIntColumn[int32, proto.ColInt32](t, f), nil
	case fact.Int64:
		return newIntColumn[int64, proto.ColInt64](t, f), nil
	case fact.UInt8:
		return newIntColumn[uint8, proto.ColUInt8](t, f), nil
	case fact.UInt16:
		return newIntColumn[uint16, proto.ColUInt16](t, f), nil
	case fact.UInt32:
		return newIntColumn[uint32, proto.ColUInt32](t, f), nil
	case fact.UInt64:
		return newIntColumn[uint64, proto.ColUInt64](t, f), nil
	default:
		return nil, fmt.Errorf("field type %v has no column", f.Type)
	}
}
