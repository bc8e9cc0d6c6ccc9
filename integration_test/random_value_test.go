package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/factload/factload/fact"
)

// These stand in texts for what is written in several ways. JSON has no such
// characters.
const (
	nullMark      = "\x01" // null, or a word for NaN
	surrogateMark = "\x02" // half a surrogate pair, which is stored as U+FFFD
)

// value returns a value of the field, or of an element of it, of the field's Go
// type, and its JSON with marks.
func (r random) value(f *randomField) (v any, text string) {
	switch t := f.Type; {
	case isInteger(t):
		return r.integer(f)
	case t == fact.Float32 || t == fact.Float64:
		return r.float(f)
	case t == fact.DateTime64 || t == fact.Date:
		return r.time(f)
	case t == fact.JSON || t == fact.NativeJSON:
		return r.json(f)
	case t == fact.StringMap:
		m := make(map[string]string)
		for range r.IntN(5) {
			m[r.text(f)] = r.text(f)
		}
		return m, r.object(slices.Sorted(maps.Keys(m)), f, func(key string) string { return r.quote(m[key], f) })
	case t == fact.Bool:
		b := r.oneIn(2)
		return b, strconv.FormatBool(b)
	case t == fact.Enum:
		s := oneOf(r, f.Values...)
		return s, r.quote(s, f)
	case t == fact.UUID:
		return r.uuid(f)
	case t == fact.Decimal:
		return r.decimal(f)
	}
	s := r.text(f)
	return s, r.quote(s, f)
}

// text returns any text, with U+FFFD where half surrogates are replaced by that.
func (r random) text(f *randomField) string {
	var b strings.Builder
	for range oneOf(r, 0, 1, 3, 8, 20, 130) {
		b.WriteString(oneOf(r, "a", "z", " ", `"`, `\`, "/", "\n", "\t", "\x00", "\x1f", "\x7f", "é", "日", "😀", "\u2028", "\u2029", "<", "&", "'", "\ufeff", "\uffff", "\U0010ffff", "{", "[", ",", ":"))
		if f.ReplaceSurrogates && r.oneIn(4) {
			b.WriteString("\ufffd")
		}
	}
	return b.String()
}

// quote writes text as JSON, with escapes here and there.
func (r random) quote(s string, f *randomField) string {
	b := []byte{'"'}
	for _, c := range s {
		switch escaped := r.oneIn(8); {
		case c == '\ufffd' && f.ReplaceSurrogates:
			b = append(b, oneOf(r, surrogateMark, "\ufffd")...)
		case c == '"', c == '\\', c == '/' && escaped:
			b = append(b, '\\', byte(c))
		case c >= 1<<16 && escaped:
			b = fmt.Appendf(b, `\u%04x\u%04X`, 0xd800+(c-1<<16)>>10, 0xdc00+(c-1<<16)&1023)
		case c < ' ', c < 1<<16 && escaped:
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = fmt.Appendf(b, "%c", c)
		}
	}
	return string(append(b, '"'))
}

func (r random) space() string { return oneOf(r, "", "", "", "", " ", "\t", "\r ") }

// object writes an object with these keys, in their order.
func (r random) object(keys []string, f *randomField, value func(key string) string) string {
	var b strings.Builder
	b.WriteString("{" + r.space())
	for i, key := range keys {
		if i > 0 {
			b.WriteString("," + r.space())
		}
		b.WriteString(r.quote(key, f) + r.space() + ":" + r.space() + value(key) + r.space())
	}
	return b.String() + "}"
}

func (r random) list(n int, element func(i int) string) string {
	var b strings.Builder
	b.WriteString("[" + r.space())
	for i := range n {
		if i > 0 {
			b.WriteString("," + r.space())
		}
		b.WriteString(element(i) + r.space())
	}
	return b.String() + "]"
}

// quoted writes a number with quotes or without.
func (r random) quoted(text string, may bool) string {
	if may && r.oneIn(2) {
		return `"` + text + `"`
	}
	return text
}

func (r random) integer(f *randomField) (v any, text string) {
	name, unsigned := strings.CutPrefix(f.Type.String(), "u")
	bits, err := strconv.Atoi(strings.TrimPrefix(name, "int"))
	if err != nil {
		panic(err)
	}
	shift := 64 - bits + r.IntN(bits)
	if f.goType.Kind() == reflect.Float64 {
		shift = max(shift, 64-53)
	}
	u := oneOf(r, r.Uint64(), math.MaxUint64, 1<<63, 0)
	n := reflect.ValueOf(int64(u) >> shift)
	if unsigned {
		n = reflect.ValueOf(u >> shift)
	}
	text = fmt.Sprint(n.Interface())
	if f.goType.Kind() == reflect.String {
		v = json.Number(text)
	} else {
		v = n.Convert(f.goType).Interface()
	}
	plain := text
	if text == "0" {
		text = oneOf(r, "0", "0.0", "0e5")
	} else {
		text += oneOf(r, "", "", ".0", "e0", ".000E+0")
	}
	return v, oneOf(r, text, r.quoted(plain, f.Quoted || bits == 64))
}

func (r random) float(f *randomField) (v any, text string) {
	bits := 64
	x := oneOf(r, math.Float64frombits(r.Uint64()), r.NormFloat64(), 0, math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1e21, 1e20, 1e-7, 0.1, 1<<53+2)
	if f.Type == fact.Float32 || f.goType.Kind() == reflect.Float32 {
		bits = 32
		x = float64(oneOf(r, math.Float32frombits(r.Uint32()), float32(r.NormFloat64()), 0, math.MaxFloat32, math.SmallestNonzeroFloat32, 0.1, 1<<24, 1e21))
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return r.float(f)
	}
	text = strconv.FormatFloat(x, oneOf[byte](r, 'e', 'g', 'f'), -1, bits)
	switch f.goType.Kind() {
	case reflect.String:
		v = json.Number(text)
	case reflect.Float32:
		v = float32(x)
	default:
		v = x
	}
	return v, r.quoted(text, f.Quoted)
}

func (r random) decimal(f *randomField) (v any, text string) {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	before, after := r.IntN(f.Precision-f.Scale+1), r.IntN(f.Scale+1)
	float := f.goType.Kind() == reflect.Float64
	if float { // its shortest text has up to 15 digits as given
		before = min(before, 9)
		after = min(after, 6)
	}
	if text = strings.TrimLeft(digits(before), "0"); text == "" {
		text = "0"
	}
	if after > 0 {
		text += "." + digits(after)
	}
	text = oneOf(r, "", "-") + text
	if float {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		return x, r.quoted(text, true)
	}
	return reflect.ValueOf(text).Convert(f.goType).Interface(), r.quoted(text, true)
}

func (r random) uuid(f *randomField) (v any, text string) {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(r.Uint32())
	}
	s := u.String()
	if v = s; f.goType.Kind() == reflect.Array {
		v = [16]byte(u)
	}
	return v, r.quote(oneOf(r, s, strings.ToUpper(s), strings.ReplaceAll(s, "-", "")), f)
}

func (r random) time(f *randomField) (v any, text string) {
	var t time.Time
	if f.Type == fact.Date {
		t = time.Unix(86400*r.Int64N(1<<16), 0).UTC()
		text = oneOf(r, t.Format(time.DateOnly), t.Format(time.RFC3339))
	} else {
		first, last := int64(-2208988800), int64(10413791999)
		if f.Precision == 9 {
			last = 9223286400 // a day in 2262
		}
		sec := oneOf(r, first+r.Int64N(last-first), first, last, 0, -1)
		t = time.Unix(sec, oneOf(r, 0, 1, 999, 1e6, 999e6, 999_999_999, r.Int64N(1e9))).In(oneOf(r, time.UTC, time.FixedZone("", -5*3600-1800)))
		text = oneOf(r, t.Format(time.RFC3339Nano), t.UTC().Format("2006-01-02 15:04:05.999999999"), t.Format("2006-01-02 15:04:05.999999999 -0700"))
	}
	if v = t; f.goType.Kind() == reflect.String {
		v = text
	}
	ms := t.UnixMilli()
	switch {
	case r.oneIn(2):
		return v, r.quote(text, f)
	case f.Unit == fact.Seconds && r.oneIn(4):
		return v, fmt.Sprintf("[%d, %d]", t.Unix(), t.Nanosecond())
	case f.Unit != "":
		return v, r.quoted(inUnits(t, f.Unit), true)
	case f.Type == fact.DateTime64 && f.Precision <= 3 && max(ms, -ms) >= 1e11:
		return v, strconv.FormatInt(ms, 10)
	}
	return v, r.quote(text, f)
}

// inUnits writes a time as a number since 1970.
func inUnits(t time.Time, unit fact.Unit) string {
	ns := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1e9))
	ns.Add(ns, big.NewInt(int64(t.Nanosecond())))
	digits := map[fact.Unit]int{fact.Seconds: 9, fact.Milliseconds: 6, fact.Microseconds: 3}[unit]
	return new(big.Rat).SetFrac(ns, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)).FloatString(digits)
}

func (r random) json(f *randomField) (v any, text string) {
	native := f.Type == fact.NativeJSON
	switch f.goType {
	case reflect.TypeFor[map[string]any]():
		v = r.anyObject(f, 0)
	case reflect.TypeFor[any]():
		if v = r.any(f, 0); v == nil || reflect.TypeOf(v) == reflect.TypeFor[string]() {
			text = r.jsonText(f, 0, native) // which a string holds
			return strict(text), text
		}
	default:
		text = r.jsonText(f, 0, native)
		return reflect.ValueOf(strict(text)).Convert(f.goType).Interface(), text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return v, strings.TrimSuffix(b.String(), "\n")
}

// jsonText returns JSON that is not null.
func (r random) jsonText(f *randomField, depth int, object bool) string {
	null := "null"
	if f.NaNIsNull {
		null = nullMark
	}
	below := func(any) string {
		if r.oneIn(8) {
			return null
		}
		return r.jsonText(f, depth+1, false)
	}
	switch n := r.IntN(8); {
	case object || depth < 3 && n == 0:
		return r.object(r.keys(f), f, func(key string) string { return below(key) })
	case depth < 3 && n == 1 && f.Type == fact.JSON:
		return r.list(r.IntN(4), func(i int) string { return below(i) })
	case n == 1:
		return oneOf(r, `[]`, `[1,2.5]`, `["a",`+null+`]`, `[true,"a",`+null+`]`, `[{"a":1},{"b":"2026-01-02"}]`, `[["2026-01-02"],[1]]`)
	case n == 2:
		return oneOf(r, "true", "false")
	case n == 3 && f.Type == fact.JSON:
		return oneOf(r, "-0", "1.0", "1e3", "0.10", "12345678901234567890123", "1e400")
	case n <= 4:
		return oneOf(r, "0", "-1", "1.5", "1e3", "-9223372036854775808", "18446744073709551615", "9007199254740993")
	case n == 5:
		return oneOf(r, `"2026-01-02"`, `"2026-01-02T03:04:05Z"`, `"2026-01-02 03:04:05.678"`, `"12"`, `"true"`)
	}
	return r.quote(r.text(f), f)
}

// keys returns keys of an object, none of them twice. Those of native JSON make no
// path twice either.
func (r random) keys(f *randomField) []string {
	keys := make(map[string]bool)
	for range r.IntN(4) {
		key := oneOf(r, "a", "b", "é", "c d")
		if f.Type == fact.JSON {
			key = r.text(f)
		}
		keys[key] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

// any returns a value as Go programs have it in JSON.
func (r random) any(f *randomField, depth int) any {
	switch n := r.IntN(8); {
	case n == 0 && depth < 3:
		return r.anyObject(f, depth)
	case n == 1 && depth < 3 && f.Type == fact.JSON:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = r.any(f, depth+1)
		}
		return list
	case n == 2:
		return oneOf[any](r, true, false, nil)
	case n == 3:
		return r.NormFloat64()
	case n == 4:
		return int64(r.Uint64())
	case n == 5:
		return oneOf[any](r, []string{"a", "2026-01-02"}, []int{1, 2}, map[string]int{"a": 1}, json.Number("1.50"))
	}
	return oneOf(r, r.text(f), "2026-01-02", "12")
}

func (r random) anyObject(f *randomField, depth int) map[string]any {
	m := make(map[string]any)
	for _, key := range r.keys(f) {
		m[key] = r.any(f, depth+1)
	}
	return m
}

// strict writes marks out as Record takes them and as they are stored, and loose as
// others write them in files.
func strict(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, nullMark, "null"), surrogateMark, `\ufffd`)
}

func (r random) loose(text string) string {
	text = strings.ReplaceAll(text, nullMark, oneOf(r, "null", "NaN", "Infinity", "-Infinity"))
	return strings.ReplaceAll(text, surrogateMark, oneOf(r, `\ud9ab`, `\uDC01`))
}
