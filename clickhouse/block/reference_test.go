package block

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/factload/factload/fact"
)

// This file says once more what docs/values.md says, slowly, with the standard
// library and no line in common with the package. The fuzz tests compare the
// two.

// refPair is a key with the text of its value.
type refPair struct {
	key string
	raw []byte
}

// refRow returns the pairs of a row, or false if it is no row.
func refRow(line []byte, depth int) ([]refPair, bool) {
	if !refText(line, depth) {
		return nil, false
	}
	return refObject(bytes.Trim(line, " \t\r\n"))
}

// refText reports whether text is one JSON value in UTF-8, without lone
// surrogates, and not too deep.
func refText(text []byte, depth int) bool {
	if !utf8.Valid(text) || !json.Valid(text) {
		return false
	}
	open, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			n := refEscape(text[i:])
			if n == 0 {
				return false
			}
			i += n - 1
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if open++; open > depth {
				return false
			}
		case c == '}' || c == ']':
			open--
		}
	}
	return true
}

var refPairOfSurrogates = regexp.MustCompile(`^\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

var refSurrogate = regexp.MustCompile(`^\\u[dD][89a-fA-F]`)

// refEscape returns the length of an escape, 0 for a lone surrogate.
func refEscape(text []byte) int {
	switch {
	case text[1] != 'u':
		return 2
	case refPairOfSurrogates.Match(text):
		return 12
	case refSurrogate.Match(text):
		return 0
	}
	return 6
}

// refObject returns the pairs of an object, which is known to be valid. It is
// false for another value and for a key that is there twice.
func refObject(text []byte) ([]refPair, bool) {
	if len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	var pairs []refPair
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, false
		}
		if slices.ContainsFunc(pairs, func(p refPair) bool { return p.key == key.(string) }) {
			return nil, false
		}
		pairs = append(pairs, refPair{key.(string), raw})
	}
	return pairs, true
}

// refValue returns what show would write for a value, or false if the field
// does not take it.
func refValue(f fact.Field, raw []byte) (string, bool) {
	switch {
	case f.Array:
		return refArray(f, raw)
	case string(raw) == "null":
		return "NULL", f.Nullable
	}
	switch f.Type {
	case fact.JSON:
		return strconv.Quote(string(raw)), true
	case fact.NativeJSON:
		return string(raw), raw[0] == '{' && refPaths(raw, "", map[string]bool{})
	case fact.StringMap:
		return refMap(raw)
	case fact.Bool:
		return string(raw), string(raw) == "true" || string(raw) == "false"
	case fact.Float32, fact.Float64:
		return refFloat(f.Type, raw)
	case fact.DateTime64:
		return refTime(raw)
	case fact.Decimal:
		return refDecimal(f, raw)
	case fact.String, fact.LowCardinalityString, fact.Enum, fact.UUID, fact.Date:
		var s string
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		return refString(f, s)
	default:
		return refInteger(f.Type, raw)
	}
}

func refArray(f fact.Field, raw []byte) (string, bool) {
	var elems []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &elems) != nil {
		return "", false
	}
	f.Array = false
	out := make([]string, len(elems))
	for i, e := range elems {
		var ok bool
		if out[i], ok = refValue(f, bytes.TrimSpace(e)); !ok {
			return "", false
		}
	}
	return "[" + strings.Join(out, " ") + "]", true
}

func refMap(raw []byte) (string, bool) {
	pairs, ok := refObject(raw)
	if !ok {
		return "", false
	}
	var out []string
	for _, p := range pairs {
		var s string
		if p.raw[0] != '"' || json.Unmarshal(p.raw, &s) != nil {
			return "", false
		}
		out = append(out, strconv.Quote(p.key)+":"+strconv.Quote(s))
	}
	slices.Sort(out)
	return "{" + strings.Join(out, " ") + "}", true
}

// refPaths checks the rules of native JSON.
func refPaths(raw []byte, prefix string, seen map[string]bool) bool {
	switch raw[0] {
	case '{':
		pairs, ok := refObject(raw)
		if !ok {
			return false
		}
		for _, p := range pairs {
			path := prefix + p.key
			if seen[path] || !refPaths(p.raw, path+".", seen) {
				return false
			}
			if seen[path] {
				return false
			}
			seen[path] = true
		}
		return true
	case '[':
		var elems []json.RawMessage
		if json.Unmarshal(raw, &elems) != nil {
			return false
		}
		null, plain := false, false
		for _, e := range elems {
			e = bytes.TrimSpace(e)
			if !refPaths(e, "", map[string]bool{}) {
				return false
			}
			null = null || e[0] == 'n'
			plain = plain || !bytes.ContainsAny(e[:1], "n{[")
			if n, ok := new(big.Int).SetString(string(e), 10); ok && n.CmpAbs(big.NewInt(1<<53)) > 0 {
				return false
			}
		}
		return plain || !null
	case '"', 't', 'f', 'n':
		return true
	}
	if bytes.ContainsAny(raw, ".eE") {
		_, err := strconv.ParseFloat(string(raw), 64)
		return err == nil
	}
	n, _ := new(big.Int).SetString(string(raw), 10)
	return n.IsInt64() || n.IsUint64()
}

var (
	refUUID32 = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	refUUID36 = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

func refString(f fact.Field, s string) (string, bool) {
	switch f.Type {
	case fact.Enum:
		return strconv.Quote(s), slices.Contains(f.Values, s)
	case fact.UUID:
		if !refUUID32.MatchString(s) && !refUUID36.MatchString(s) {
			return "", false
		}
		h := strings.ToLower(strings.ReplaceAll(s, "-", ""))
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], true
	case fact.Date:
		t, ok := refClock(s)
		day := t.Format(time.DateOnly)
		return day, ok && day >= "1970-01-01" && day <= "2149-06-06" && len(day) == 10 && t.Truncate(24*time.Hour).Equal(t)
	}
	return strconv.Quote(s), true
}

var refTimes = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)([T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?` +
	`(Z| ?(?:UTC|GMT)| ?([+-](?:[01]\d|2[0-3]))(?::?([0-5]\d))?( UTC| GMT)?)?)?$`)

// refClock reads text as a point in time.
func refClock(s string) (time.Time, bool) {
	m := refTimes.FindStringSubmatch(s)
	if m == nil {
		t, err := time.Parse(time.RFC1123, s)
		return t.UTC(), err == nil && strings.HasSuffix(s, " GMT") && t.Format("Mon, 02 Jan 2006 15:04:05 GMT") == s
	}
	clock, seconds, hours, minutes := cmp.Or(m[3], "00:00"), cmp.Or(m[4], ":00"), cmp.Or(m[6], "+00"), cmp.Or(m[7], "00")
	if m[8] != "" && hours[1:]+minutes != "0000" {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, m[1]+"T"+clock+seconds+hours+":"+minutes)
	return t.UTC(), err == nil
}

func refTime(raw []byte) (string, bool) {
	var t time.Time
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		var ok bool
		if t, ok = refClock(s); !ok {
			return "", false
		}
	} else {
		n, ok := refInt(raw)
		if !ok || !n.IsInt64() || (n.Sign() != 0 && n.CmpAbs(big.NewInt(100_000_000_000)) < 0) {
			return "", false
		}
		t = time.UnixMilli(n.Int64()).UTC()
	}
	text := t.Format("2006-01-02T15:04:05.000Z")
	return text, t.Year() >= 1900 && t.Year() < 2300
}

// refInt returns the value of a JSON number that is an integer. Numbers with
// an exponent too large to write out are no integers that anything holds.
func refInt(raw []byte) (*big.Int, bool) {
	r, ok := refRat(raw)
	if !ok || !r.IsInt() {
		return nil, false
	}
	return r.Num(), true
}

func refRat(raw []byte) (*big.Rat, bool) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return nil, false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(raw)), "e")
	if len(strings.TrimLeft(exponent, "+-0")) > 4 {
		if strings.Trim(mantissa, "-0.") == "" {
			return new(big.Rat), true
		}
		return nil, false
	}
	return new(big.Rat).SetString(string(raw))
}

var refQuotedInt = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func refInteger(t fact.FieldType, raw []byte) (string, bool) {
	if raw[0] == '"' {
		var s string
		if t != fact.Int64 && t != fact.UInt64 || json.Unmarshal(raw, &s) != nil || !refQuotedInt.MatchString(s) {
			return "", false
		}
		raw = []byte(s)
	}
	n, ok := refInt(raw)
	if !ok {
		return "", false
	}
	name := t.String()
	size, _ := strconv.Atoi(strings.TrimLeft(name, "uint"))
	if name[0] == 'u' {
		return n.String(), n.Sign() >= 0 && n.BitLen() <= size
	}
	return n.String(), n.BitLen() < size || (n.Sign() < 0 && new(big.Int).Add(n, big.NewInt(1)).BitLen() < size)
}

func refFloat(t fact.FieldType, raw []byte) (string, bool) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return "", false
	}
	size := 64
	if t == fact.Float32 {
		size = 32
	}
	f, err := strconv.ParseFloat(string(raw), size)
	return strconv.FormatFloat(f, 'g', -1, size), err == nil && !math.IsInf(f, 0)
}

func refDecimal(f fact.Field, raw []byte) (string, bool) {
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil || !json.Valid([]byte(s)) || strings.TrimSpace(s) != s {
			return "", false
		}
		raw = []byte(s)
	}
	r, ok := refRat(raw)
	if !ok {
		return "", false
	}
	ten := big.NewInt(10)
	unscaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(ten, big.NewInt(int64(f.Scale)), nil)))
	limit := new(big.Int).Exp(ten, big.NewInt(int64(f.Precision)), nil)
	if !unscaled.IsInt() || unscaled.Num().CmpAbs(limit) >= 0 {
		return "", false
	}
	text := r.FloatString(f.Scale)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text, true
}
