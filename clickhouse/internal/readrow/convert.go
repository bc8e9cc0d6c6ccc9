package readrow

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/factload/factload/fact"
)

// converter makes Go values of the values of one field.
type converter struct{ field fact.Field }

// convert returns what turns a value of one type into one of another, exactly or
// not at all.
func (c converter) convert(to, from reflect.Type) (func(to, from reflect.Value) error, error) {
	isJSON := c.field.Type == fact.JSON || c.field.Type == fact.NativeJSON
	switch {
	case isJSON && to == rawJSONType:
		return func(to, from reflect.Value) error { to.SetBytes([]byte(from.String())); return nil }, nil
	case isJSON && to.Kind() == reflect.String && !writesItself(to) && to != numberType:
		return setString, nil // a Go string holds JSON
	case isJSON:
		return func(to, from reflect.Value) error { return decode([]byte(from.String()), to) }, nil
	case to == timeType:
		return setTime, nil
	case readsItself(to), to.Kind() == reflect.Interface:
		return c.setByJSON, nil
	case writesItself(to):
		return nil, fmt.Errorf("%s writes JSON of its own, and reads none: give it UnmarshalJSON or UnmarshalText", to)
	case c.field.Type == fact.UUID && to.Kind() == reflect.Array:
		return setUUID, nil
	case from.Kind() == to.Kind() && from.Kind() == reflect.String:
		return setString, nil
	case from == timeType && to.Kind() == reflect.String && to != numberType:
		return setTimeText, nil
	case from.Kind() == reflect.Bool:
		return func(to, from reflect.Value) error { to.SetBool(from.Bool()); return nil }, nil
	case from.Kind() == reflect.Map:
		return c.setByJSON, nil
	}
	return c.setNumber, nil
}

func setString(to, from reflect.Value) error {
	to.SetString(from.String())
	return nil
}

// setTime sets a time.Time in UTC.
func setTime(to, from reflect.Value) error {
	if from.Type() != timeType { // a date
		day, err := time.Parse(time.DateOnly, from.String())
		to.Set(reflect.ValueOf(day))
		return err
	}
	to.Set(reflect.ValueOf(timeOf(from).UTC()))
	return nil
}

func timeOf(v reflect.Value) time.Time {
	t, _ := v.Interface().(time.Time) // the caller has looked
	return t
}

// setUUID sets 16 bytes.
func setUUID(to, from reflect.Value) error {
	digits := strings.ReplaceAll(from.String(), "-", "")
	b, err := hex.DecodeString(digits)
	if err == nil && len(b) != to.Len() {
		err = errors.New("is no UUID")
	}
	if err == nil {
		reflect.Copy(to, reflect.ValueOf(b).Convert(reflect.SliceOf(to.Type().Elem())))
	}
	return err
}

// setTimeText sets a text in RFC 3339, in UTC.
func setTimeText(to, from reflect.Value) error {
	to.SetString(timeOf(from).UTC().Format(time.RFC3339Nano))
	return nil
}

// setNumber sets a number, or the text of one.
func (c converter) setNumber(to, from reflect.Value) error {
	switch {
	case from.CanInt() && to.CanInt() && !to.OverflowInt(from.Int()):
		to.SetInt(from.Int())
		return nil
	case from.CanUint() && to.CanUint() && !to.OverflowUint(from.Uint()):
		to.SetUint(from.Uint())
		return nil
	case from.Kind() == to.Kind() && from.CanFloat():
		to.SetFloat(from.Float())
		return nil
	}
	text, err := c.text(from)
	switch {
	case err != nil:
		return err
	case to.Kind() == reflect.String:
		to.SetString(text)
		return nil
	case to.CanFloat():
		return setFloat(to, text)
	}
	return setInteger(to, text)
}

func setInteger(to reflect.Value, text string) error {
	// A whole number may have been stored as 3.00.
	if whole, fraction, ok := strings.Cut(text, "."); ok && strings.Trim(fraction, "0") == "" {
		text = whole
	}
	if to.CanInt() {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || to.OverflowInt(n) {
			return doesNotFit(text, to)
		}
		to.SetInt(n)
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || to.OverflowUint(n) {
		return doesNotFit(text, to)
	}
	to.SetUint(n)
	return nil
}

// setFloat sets the number that the text is the shortest for, as what was recorded
// from such a field is.
func setFloat(to reflect.Value, text string) error {
	bits := to.Type().Bits()
	v, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return doesNotFit(text, to)
	}
	if shortest := strconv.FormatFloat(v, 'g', -1, bits); shortest != text && !math.IsNaN(v) && !math.IsInf(v, 0) {
		want, _ := new(big.Rat).SetString(text)
		have, _ := new(big.Rat).SetString(shortest)
		if want == nil || have == nil || want.Cmp(have) != 0 {
			return doesNotFit(text, to)
		}
	}
	to.SetFloat(v)
	return nil
}

func doesNotFit(text string, to reflect.Value) error {
	return fmt.Errorf("%s does not fit into %s", text, to.Type())
}

// text returns a value as text that has all of it. Points in time are RFC 3339, or
// a number of the field's unit.
func (c converter) text(from reflect.Value) (string, error) {
	switch {
	case from.Type() == timeType:
		return c.epoch(timeOf(from))
	case from.CanInt():
		return strconv.FormatInt(from.Int(), 10), nil
	case from.CanUint():
		return strconv.FormatUint(from.Uint(), 10), nil
	case from.CanFloat():
		v := from.Float()
		if v == math.Trunc(v) && math.Abs(v) < 1<<64 {
			return strconv.FormatFloat(v, 'f', -1, from.Type().Bits()), nil
		}
		return strconv.FormatFloat(v, 'g', -1, from.Type().Bits()), nil
	case from.Kind() == reflect.String:
		return from.String(), nil
	}
	return "", fmt.Errorf("cannot be made a number of %s", from.Type())
}

// epoch returns the time as a number of the field's units after 1970.
func (c converter) epoch(at time.Time) (string, error) {
	unit := time.Millisecond
	switch c.field.Unit {
	case fact.Seconds:
		unit = time.Second
	case fact.Microseconds:
		unit = time.Microsecond
	case fact.Nanoseconds:
		unit = time.Nanosecond
	}
	perSecond := int64(time.Second / unit)
	part, rest := int64(at.Nanosecond())/int64(unit), int64(at.Nanosecond())%int64(unit)
	if rest != 0 {
		return "", fmt.Errorf("%s is no whole number of %s", at.UTC().Format(time.RFC3339Nano), unit)
	}
	sec := at.Unix()
	if sec > (math.MaxInt64-part)/perSecond || sec < math.MinInt64/perSecond {
		return "", fmt.Errorf("%s is too far from 1970 for a number of %s", at.UTC().Format(time.RFC3339Nano), unit)
	}
	return strconv.FormatInt(sec*perSecond+part, 10), nil
}

// setByJSON gives a type that reads itself the JSON of the value. A number is
// given as such, or in quotes if it is not taken so.
func (c converter) setByJSON(to, from reflect.Value) error {
	number := from.CanInt() || from.CanUint() || from.CanFloat() || c.field.Type == fact.Decimal
	if !number {
		value := from.Interface()
		if from.Type() == timeType {
			value = timeOf(from).UTC()
		}
		b, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return decode(b, to)
	}
	text, err := c.text(from)
	if err != nil {
		return err
	}
	forms := [2]string{text, strconv.Quote(text)}
	if c.field.Quoted {
		forms[0], forms[1] = forms[1], forms[0]
	}
	if err = decode([]byte(forms[0]), to); err == nil {
		return nil
	}
	to.SetZero()
	if decode([]byte(forms[1]), to) == nil {
		return nil
	}
	return err
}

// decode reads all of b. Numbers in an interface are json.Number, so that none is
// rounded.
func decode(b []byte, to reflect.Value) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(to.Addr().Interface()); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has something behind its JSON value")
	}
	return nil
}
