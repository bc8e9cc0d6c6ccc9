package block

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// oneField is a schema with the given field alone, named x.
func oneField(f fact.Field) fact.Schema {
	f.Name = "x"
	return fact.Schema{Name: "one", Fields: []fact.Field{f}}
}

func mustCompile(t testing.TB, s fact.Schema, o Options) *Layout {
	t.Helper()
	l, err := Compile(s, o)
	require.NoError(t, err)
	return l
}

func newBlock(t testing.TB, s fact.Schema, o Options) *Block {
	t.Helper()
	return mustCompile(t, s, o).NewBlock()
}

// row wraps a JSON value into a row of oneField.
func row(value string) []byte { return []byte(`{"x":` + value + `}`) }

// encoded returns all columns as sent.
func encoded(b *Block) []string {
	var out []string
	for i := range b.Input() {
		var buf proto.Buffer
		b.EncodeColumn(i, &buf)
		out = append(out, string(buf.Buf))
	}
	return out
}

// driverColumn decodes column i of b with clickhouse-go: an independent reader
// of what the package writes.
func driverColumn(t testing.TB, b *Block, i int) driver.Interface {
	t.Helper()
	return driverColumnOf(t, b, i, b.Layout().Columns()[i].Type)
}

// driverColumnOf is driverColumn for another type with the same form.
func driverColumnOf(t testing.TB, b *Block, i int, typ string) driver.Interface {
	t.Helper()
	col, err := driver.Type(typ).Column("x", &driver.ServerContext{Timezone: time.UTC})
	require.NoError(t, err, typ)
	var buf proto.Buffer
	b.EncodeColumn(i, &buf)
	if b.Rows() > 0 {
		r := proto.NewReader(bytes.NewReader(buf.Buf))
		if s, ok := col.(driver.CustomSerialization); ok {
			require.NoError(t, s.ReadStatePrefix(r), typ)
		}
		require.NoError(t, col.Decode(r, b.Rows()), typ)
		_, err = r.ReadByte()
		require.Error(t, err, "%s: bytes are left behind the column", typ)
	}
	require.Equal(t, b.Rows(), col.Rows(), typ)
	return col
}

// values returns the values of column i as text.
func values(t testing.TB, b *Block, i int) []string {
	t.Helper()
	typ := b.Layout().Columns()[i].Type
	// The driver reads DateTime64 by way of nanoseconds, which end in 2262.
	col := driverColumnOf(t, b, i, strings.Replace(typ, "DateTime64(3, 'UTC')", "Int64", 1))
	out := make([]string, b.Rows())
	for n := range out {
		out[n] = show(typ, col.Row(n, false))
	}
	return out
}

// lastValue returns the value of the only column in the last row.
func lastValue(t testing.TB, b *Block) string {
	t.Helper()
	all := values(t, b, 0)
	return all[len(all)-1]
}

// show writes a value of the driver as text.
func show(typ string, v any) string {
	switch x := v.(type) {
	case nil:
		return "NULL"
	case string:
		return strconv.Quote(x)
	case []byte:
		if typ == "Array(UInt8)" {
			return fmt.Sprint(x)
		}
		return string(x)
	case int64:
		if strings.Contains(typ, "DateTime64") {
			return time.UnixMilli(x).UTC().Format("2006-01-02T15:04:05.000Z")
		}
	case time.Time:
		return x.Format(time.DateOnly)
	case float32:
		return strconv.FormatFloat(float64(x), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case decimal.Decimal:
		return x.String()
	case uuid.UUID:
		return x.String()
	case map[string]string:
		var parts []string
		for k, v := range x {
			parts = append(parts, strconv.Quote(k)+":"+strconv.Quote(v))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, " ") + "}"
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer:
		if rv.IsNil() {
			return "NULL"
		}
		return show(typ, rv.Elem().Interface())
	case reflect.Slice:
		var parts []string
		for i := range rv.Len() {
			parts = append(parts, show(typ, rv.Index(i).Interface()))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}

// appendStruct appends the row of a struct.
func appendStruct(b *Block, id string, v any) error {
	return b.Append(&fact.Fact{ID: id, Value: v})
}
