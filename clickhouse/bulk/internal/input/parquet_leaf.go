package input

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"
	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetLeaf appends a value of a column as JSON. It is of one of the kinds below: nothing
// is rounded, and NaN and infinities stand as Python writes them.
type parquetLeaf func(b []byte, v parquet.Value) ([]byte, error)

// newParquetLeaf chooses by the type of a column, as its element of the schema says it.
func newParquetLeaf(c *parquet.Column, element *format.SchemaElement) (parquetLeaf, error) {
	logical := element.LogicalType.Value
	if l := c.Type().LogicalType(); logical == nil && l != nil {
		logical = l.Value // of a file by an older writer
	}
	var f parquetLeaf
	switch kind := c.Type().Kind(); t := logical.(type) {
	case *format.DecimalType:
		f = decimalLeaf(int(t.Scale))
	case *format.DateType:
		f = appendParquetDate
	case *format.TimeType:
		f = clockLeaf(unitOf(t.Unit))
	case *format.TimestampType:
		f = timestampLeaf(unitOf(t.Unit), t.IsAdjustedToUTC)
	case *format.UUIDType:
		f = appendParquetUUID
	case *format.Float16Type:
		f = appendFloat16
	case *format.JsonType:
		f = appendParquetJSON
	case *format.NullType:
		f = func(b []byte, _ parquet.Value) ([]byte, error) { return append(b, "null"...), nil }
	case *format.IntType:
		f = intLeaf(kind, t.IsSigned)
	case *format.StringType, *format.EnumType:
		f = appendText
	case nil:
		f = physicalLeaf(kind, element)
	}
	if f == nil {
		what := "unknown"
		if logical != nil {
			what = logical.String()
		}
		return nil, fmt.Errorf("%w: column %q is of type %s, which has no form in JSON: write the file without it", ErrParquet, strings.Join(c.Path(), "."), what)
	}
	return f, nil
}

// physicalLeaf is for columns that say no more than how they are stored.
func physicalLeaf(kind parquet.Kind, element *format.SchemaElement) parquetLeaf {
	if !element.Type.Valid || element.ConvertedType.Valid {
		return nil // of a type that the library does not know
	}
	switch kind {
	case parquet.Boolean:
		return func(b []byte, v parquet.Value) ([]byte, error) { return strconv.AppendBool(b, v.Boolean()), nil }
	case parquet.Int32, parquet.Int64:
		return intLeaf(kind, true)
	case parquet.Int96:
		return appendInt96
	case parquet.Float:
		return func(b []byte, v parquet.Value) ([]byte, error) { return appendFloat(b, float64(v.Float())), nil }
	case parquet.Double:
		return func(b []byte, v parquet.Value) ([]byte, error) { return appendFloat(b, v.Double()), nil }
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return appendText
	}
	return nil
}

func intLeaf(kind parquet.Kind, signed bool) parquetLeaf {
	return func(b []byte, v parquet.Value) ([]byte, error) {
		switch {
		case kind == parquet.Int32 && signed:
			return strconv.AppendInt(b, int64(v.Int32()), 10), nil
		case kind == parquet.Int32:
			return strconv.AppendUint(b, uint64(v.Uint32()), 10), nil
		case signed:
			return strconv.AppendInt(b, v.Int64(), 10), nil
		}
		return strconv.AppendUint(b, v.Uint64(), 10), nil
	}
}

// appendFloat appends the shortest number that is read back as f.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	var w jx.Writer
	w.Buf = b
	w.Float64(f)
	return w.Buf
}

// appendFloat16 appends a number of 16 bits.
func appendFloat16(b []byte, v parquet.Value) ([]byte, error) {
	raw := v.ByteArray()
	if len(raw) != 2 {
		return b, errors.New("a number of 16 bits has another length")
	}
	bits := binary.LittleEndian.Uint16(raw)
	exponent, fraction := int(bits>>10&0x1F), float64(bits&0x3FF)
	f := math.Ldexp(1024+fraction, exponent-25)
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 0x1F:
		if f = math.Inf(1); fraction != 0 {
			f = math.NaN()
		}
	}
	if bits>>15 != 0 {
		f = -f
	}
	return appendFloat(b, f), nil
}

// appendText appends a text, or bytes that are one.
func appendText(b []byte, v parquet.Value) ([]byte, error) {
	raw := v.ByteArray()
	if !utf8.Valid(raw) {
		return b, errors.New("the value is not valid UTF-8")
	}
	w := jx.Writer{Buf: b}
	w.ByteStr(raw)
	return w.Buf, nil
}

// appendParquetJSON appends JSON as it stands, on one line.
func appendParquetJSON(b []byte, v parquet.Value) ([]byte, error) {
	raw := v.ByteArray()
	if !json.Valid(raw) {
		return b, errors.New("the value is not valid JSON")
	}
	from := len(b)
	b = append(b, raw...)
	for i := from; i < len(b); i++ {
		if b[i] == '\n' {
			b[i] = '\r' // white space as well
		}
	}
	return b, nil
}

func appendParquetUUID(b []byte, v parquet.Value) ([]byte, error) {
	id, err := uuid.FromBytes(v.ByteArray())
	if err != nil {
		return b, err
	}
	return append(append(append(b, '"'), id.String()...), '"'), nil
}

// decimalLeaf appends decimals as numbers with all of their digits.
func decimalLeaf(scale int) parquetLeaf {
	return func(b []byte, v parquet.Value) ([]byte, error) {
		n := new(big.Int)
		switch v.Kind() {
		case parquet.Int32:
			n.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			n.SetInt64(v.Int64())
		default: // two's complement, the most significant byte first
			raw := v.ByteArray()
			if n.SetBytes(raw); len(raw) > 0 && raw[0]&0x80 != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
			}
		}
		if scale < 0 || scale > maxScale {
			return b, fmt.Errorf("the decimal has %d digits behind its point", scale)
		}
		if n.Sign() < 0 {
			b = append(b, '-')
		}
		digits := n.Abs(n).String()
		if len(digits) <= scale {
			digits = strings.Repeat("0", scale+1-len(digits)) + digits
		}
		b = append(b, digits[:len(digits)-scale]...)
		if scale > 0 {
			b = append(append(b, '.'), digits[len(digits)-scale:]...)
		}
		return b, nil
	}
}

// maxScale is more digits than any decimal has.
const maxScale = 1000

// appendParquetDate appends a day.
func appendParquetDate(b []byte, v parquet.Value) ([]byte, error) {
	return appendTime(b, time.Unix(int64(v.Int32())*24*60*60, 0).UTC(), `"2006-01-02"`)
}

// unitOf returns the unit of times: how many there are in a second.
func unitOf(u format.TimeUnit) (perSecond int64) {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return 1e3
	case *format.MicroSeconds:
		return 1e6
	}
	return 1e9
}

// timestampLeaf appends points in time. Those that are not of UTC are written without a
// zone, which a field takes for UTC.
func timestampLeaf(perSecond int64, utc bool) parquetLeaf {
	layout := `"2006-01-02T15:04:05.999999999Z"`
	if !utc {
		layout = `"2006-01-02 15:04:05.999999999"`
	}
	return func(b []byte, v parquet.Value) ([]byte, error) {
		n := v.Int64()
		seconds, rest := n/perSecond, n%perSecond
		return appendTime(b, time.Unix(seconds, rest*(1e9/perSecond)).UTC(), layout)
	}
}

// clockLeaf appends times of a day.
func clockLeaf(perSecond int64) parquetLeaf {
	return func(b []byte, v parquet.Value) ([]byte, error) {
		n := int64(v.Int32())
		if v.Kind() == parquet.Int64 {
			n = v.Int64()
		}
		if n < 0 || n >= 24*60*60*perSecond {
			return b, errors.New("the time is none of a day")
		}
		return appendTime(b, time.Unix(n/perSecond, n%perSecond*(1e9/perSecond)).UTC(), `"15:04:05.999999999"`)
	}
}

// appendInt96 appends a point in time as Impala and old Spark write it: nanoseconds of a
// day, and the number of the day.
func appendInt96(b []byte, v parquet.Value) ([]byte, error) {
	const epoch = 2440588 // the Julian day of 1970-01-01
	n := v.Int96()
	ns := int64(n[1])<<32 | int64(n[0])
	if ns < 0 || ns >= int64(24*time.Hour) {
		return b, errors.New("the time is none of a day")
	}
	return appendTime(b, time.Unix((int64(n[2])-epoch)*24*60*60, ns).UTC(), `"2006-01-02T15:04:05.999999999Z"`)
}

// appendTime appends a time of a year with four digits.
func appendTime(b []byte, t time.Time, layout string) ([]byte, error) {
	if year := t.Year(); year < 0 || year > 9999 {
		return b, fmt.Errorf("the time is in the year %d", year)
	}
	return t.AppendFormat(b, layout), nil
}
