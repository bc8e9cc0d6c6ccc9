package literal

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

// number returns the text of a number of any Go type, as it would stand in
// JSON. Floats are written with as many digits as tell them from their
// neighbours.
func number(v any) (string, error) {
	if n, ok := v.(json.Number); ok {
		if !json.Valid([]byte(n)) || n[0] == '"' {
			return "", fmt.Errorf("%q is not a number", sqltext.Shorten(string(n)))
		}
		return string(n), nil
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanInt():
		return strconv.FormatInt(rv.Int(), 10), nil
	case rv.CanUint():
		return strconv.FormatUint(rv.Uint(), 10), nil
	case rv.CanFloat():
		return strconv.FormatFloat(rv.Float(), 'g', -1, rv.Type().Bits()), nil
	}
	return "", fmt.Errorf("%T is not a number", v)
}

// maxExponent bounds the numbers that are computed with: a short text such as
// 1e999999999 would otherwise cost gigabytes.
const maxExponent = 400

// exact returns the exact value of a number's text.
func exact(s string) (*big.Rat, error) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp > maxExponent || exp < -maxExponent {
			return nil, fmt.Errorf("%s is out of range", sqltext.Shorten(s))
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("%s is not a finite number", sqltext.Shorten(s))
	}
	return r, nil
}

// integerRanges are the bits of the integer types, negative for signed ones.
var integerRanges = map[fact.FieldType]int{
	fact.Int8: -8, fact.Int16: -16, fact.Int32: -32, fact.Int64: -64,
	fact.UInt8: 8, fact.UInt16: 16, fact.UInt32: 32, fact.UInt64: 64,
}

func integerLiteral(t fact.FieldType, v any) (string, error) {
	s, err := number(v)
	if err != nil {
		return "", err
	}
	r, err := exact(s)
	if err != nil {
		return "", err
	}
	if !r.IsInt() {
		return "", fmt.Errorf("%s is not a whole number", sqltext.Shorten(s))
	}
	bits := integerRanges[t]
	low, high := new(big.Int), big.NewInt(1)
	if bits > 0 {
		high.Lsh(high, uint(bits))
	} else {
		high.Lsh(high, uint(-bits-1))
		low.Neg(high)
	}
	if n := r.Num(); n.Cmp(low) < 0 || n.Cmp(high) >= 0 {
		return "", fmt.Errorf("%s does not fit into %s", sqltext.Shorten(s), t)
	}
	return r.Num().String(), nil
}

// floatLiteral writes a float so that the server reads the same bits.
func floatLiteral(v any, bits int) (string, error) {
	s, err := number(v)
	if err != nil {
		return "", err
	}
	x, err := strconv.ParseFloat(s, bits)
	if err != nil {
		return "", fmt.Errorf("%s is not a finite number of %d bits", sqltext.Shorten(s), bits)
	}
	if x != x || x-x != 0 {
		return "", fmt.Errorf("%s is not a finite number", s)
	}
	return formatFloat(x, bits), nil
}

// formatFloat writes x as the server prints its own literals: 3 and 0.5 plain,
// 1e21 and 1e-7 with an exponent and no plus sign.
func formatFloat(x float64, bits int) string {
	s := strconv.FormatFloat(x, 'e', -1, bits)
	mantissa, exp, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exp)
	if e < -6 || e >= 21 {
		return fmt.Sprintf("%se%d", mantissa, e)
	}
	s = strconv.FormatFloat(x, 'f', -1, bits)
	if e > 15 || s == "-0" {
		s += "." // beyond the integers, or negative zero: a float all the same
	}
	return s
}

// decimalLiteral writes a decimal as text, since a bare number would pass
// through a float on the server.
func decimalLiteral(f fact.Field, v any) (string, error) {
	s, err := number(v)
	if err != nil {
		if s, err = text(v); err != nil || !json.Valid([]byte(s)) {
			return "", fmt.Errorf("%T is not a decimal number", v)
		}
	}
	r, err := exact(s)
	if err != nil {
		return "", err
	}
	out := r.FloatString(f.Scale)
	if back, ok := new(big.Rat).SetString(out); !ok || back.Cmp(r) != 0 {
		return "", fmt.Errorf("%s has more than %d digits behind the point", sqltext.Shorten(s), f.Scale)
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(f.Precision-f.Scale)), nil)
	if new(big.Rat).Abs(r).Cmp(new(big.Rat).SetInt(limit)) >= 0 {
		return "", fmt.Errorf("%s has more than %d digits before the point", sqltext.Shorten(s), f.Precision-f.Scale)
	}
	return sqltext.QuoteString(out), nil
}
