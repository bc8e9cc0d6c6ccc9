package encode

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/factload/factload/fact/internal/jsontext"
)

// number writes a json.Number that is just digits, a sign and a point. It leaves
// the others to encoding/json.
func (st *jsonState) number(n string) bool {
	digits := strings.TrimPrefix(n, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if !jsontext.IsDigits(whole) || (len(whole) > 1 && whole[0] == '0') || (point && !jsontext.IsDigits(fraction)) {
		return false
	}
	st.out = append(st.out, n...)
	return true
}

// errInexact is the answer to a float whose digits are not all its own.
var errInexact = errors.New("is too large to be an exact integer in a float: give an integer type or a json.Number")

// float writes a number in the form of encoding/json, which is that of ES6: with
// an exponent only when it is very large or very small.
func (st *jsonState) float(f float64, bits int, r rule) bool {
	abs := math.Abs(f)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return st.refuse(fmt.Errorf("not a JSON value: %v: leave the key out, or give nil to a nullable field", f))
	}
	if r.exact && !r.list && !isExact(abs, bits) {
		return st.refuse(fmt.Errorf("%v %w", f, errInexact))
	}
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || (!small && !large) {
		st.out = strconv.AppendFloat(st.out, f, 'f', -1, bits)
		return true
	}
	st.out = strconv.AppendFloat(st.out, f, 'e', -1, bits)
	if n := len(st.out); n >= 4 && st.out[n-4] == 'e' && st.out[n-3] == '-' && st.out[n-2] == '0' {
		st.out[n-2] = st.out[n-1] // e-09 is written e-9
		st.out = st.out[:n-1]
	}
	return true
}

// isExact reports whether the shortest text of a float spells its very value, or
// none that an integer field could hold.
func isExact(abs float64, bits int) bool {
	if abs <= 1<<24 || (bits == 64 && abs <= 1<<53) || abs >= 1<<64 || abs != math.Trunc(abs) {
		return true
	}
	var a, b [32]byte
	return bytes.Equal(strconv.AppendFloat(a[:0], abs, 'f', -1, bits), strconv.AppendFloat(b[:0], abs, 'f', 0, 64))
}
