package literal

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

// timeLayouts are the ways to write a point in time. A fraction of a second may
// follow in each, of which milliseconds are kept. Without an offset it is UTC.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
}

// The ranges of DateTime64 and Date.
var (
	minTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2299, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	minDate = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	maxDate = time.Date(2149, 6, 6, 0, 0, 0, 0, time.UTC)
)

// minEpoch is the smallest number, but for 0, that is taken as milliseconds
// since 1970. Smaller ones are more likely seconds.
const minEpoch = 100_000_000_000

func timeLiteral(f fact.Field, v any) (string, error) {
	t, err := toTime(v)
	if err != nil {
		if t, err = fromEpoch(f.Unit, v); err != nil {
			return "", err
		}
	}
	last := maxTime
	if f.Precision == 9 {
		last = time.Unix(0, math.MaxInt64)
	}
	if t.Before(minTime) || t.After(last) {
		return "", fmt.Errorf("%s is out of range: give a time from 1900-01-01 to %s", t.Format(time.RFC3339Nano), last.UTC().Format(time.DateOnly))
	}
	digits := strings.Repeat("0", cmp.Or(f.Precision, 3))
	return sqltext.QuoteString(t.UTC().Format("2006-01-02 15:04:05." + digits)), nil
}

func dateLiteral(v any) (string, error) {
	t, err := toTime(v)
	if err != nil {
		return "", err
	}
	if !t.Truncate(24 * time.Hour).Equal(t) {
		return "", fmt.Errorf("%s has a time of day, which a date cannot hold", t.Format(time.RFC3339Nano))
	}
	if t.Before(minDate) || t.After(maxDate) {
		return "", fmt.Errorf("%s is out of range: give a date from 1970-01-01 to 2149-06-06", t.Format(time.DateOnly))
	}
	return sqltext.QuoteString(t.Format(time.DateOnly)), nil
}

// toTime returns the point in time that v is, or that its text spells, in UTC.
func toTime(v any) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		if year := t.Year(); year < 0 || year > 9999 {
			return time.Time{}, errors.New("its year is out of range")
		}
		return t.UTC(), nil
	}
	s, err := text(v)
	if err != nil {
		return time.Time{}, fmt.Errorf("%T is not a time", v)
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil && !strings.Contains(s, ",") {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write it as 2006-01-02T15:04:05.999Z, as 2006-01-02 15:04:05.999 in UTC, or as 2006-01-02", sqltext.Shorten(s))
}

// fromEpoch returns the point in time that a number of units since 1970 is. Without
// a unit it is a whole number of milliseconds.
func fromEpoch(unit fact.Unit, v any) (time.Time, error) {
	s, err := number(v)
	if err != nil {
		_, err = toTime(v) // the better error
		return time.Time{}, err
	}
	r, err := exact(s)
	if err != nil {
		return time.Time{}, err
	}
	if unit != "" {
		return fromUnits(unit, r)
	}
	if !r.IsInt() || !r.Num().IsInt64() {
		return time.Time{}, fmt.Errorf("%s is not a whole number of milliseconds since 1970", sqltext.Shorten(s))
	}
	if size := new(big.Int).Abs(r.Num()); size.Sign() != 0 && size.Cmp(big.NewInt(minEpoch)) < 0 {
		return time.Time{}, fmt.Errorf("%s is too small for milliseconds since 1970: multiply seconds by 1000", sqltext.Shorten(s))
	}
	return time.UnixMilli(r.Num().Int64()), nil
}

// perSecond is how many of a unit are a second.
var perSecond = map[fact.Unit]int64{fact.Seconds: 1, fact.Milliseconds: 1e3, fact.Microseconds: 1e6, fact.Nanoseconds: 1e9}

// fromUnits returns the point in time that lies r units after 1970, rounded down
// to the nanosecond.
func fromUnits(unit fact.Unit, r *big.Rat) (time.Time, error) {
	r.Mul(r, big.NewRat(1e9, perSecond[unit]))
	nanos := new(big.Int).Div(r.Num(), r.Denom())
	seconds, rest := new(big.Int).DivMod(nanos, big.NewInt(1e9), new(big.Int))
	if !seconds.IsInt64() || seconds.Int64() > maxTime.Unix() || seconds.Int64() < minTime.Unix() {
		return time.Time{}, errors.New("it is out of range: give a time from 1900-01-01 to 2299-12-31")
	}
	return time.Unix(seconds.Int64(), rest.Int64()).UTC(), nil
}
