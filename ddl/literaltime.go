package ddl

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// timeLayouts are the ways to write a point in time. A fraction of a second may
// follow in each, of which milliseconds are kept. Without an offset it is UTC.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
}

// The ranges of DateTime64 and Date.
var (
	minTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2299, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
	minDate = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	maxDate = time.Date(2149, 6, 6, 0, 0, 0, 0, time.UTC)
)

// minEpoch is the smallest number, but for 0, that is taken as milliseconds
// since 1970. Smaller ones are more likely seconds.
const minEpoch = 100_000_000_000

func timeLiteral(v any) (string, error) {
	t, err := toTime(v)
	if err != nil {
		if t, err = fromEpoch(v); err != nil {
			return "", err
		}
	}
	t = time.UnixMilli(t.UnixMilli()).UTC()
	if t.Before(minTime) || t.After(maxTime) {
		return "", fmt.Errorf("%s is out of range: give a time from 1900-01-01 to 2299-12-31", t.Format(time.RFC3339Nano))
	}
	return QuoteString(t.Format("2006-01-02 15:04:05.000")), nil
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
	return QuoteString(t.Format(time.DateOnly)), nil
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
	return time.Time{}, fmt.Errorf("%q is not a time: write it as 2006-01-02T15:04:05.999Z, as 2006-01-02 15:04:05.999 in UTC, or as 2006-01-02", shorten(s))
}

// fromEpoch returns the point in time of a whole number of milliseconds since
// 1970.
func fromEpoch(v any) (time.Time, error) {
	s, err := number(v)
	if err != nil {
		_, err = toTime(v) // the better error
		return time.Time{}, err
	}
	r, err := exact(s)
	if err != nil {
		return time.Time{}, err
	}
	if !r.IsInt() || !r.Num().IsInt64() {
		return time.Time{}, fmt.Errorf("%s is not a whole number of milliseconds since 1970", shorten(s))
	}
	if size := new(big.Int).Abs(r.Num()); size.Sign() != 0 && size.Cmp(big.NewInt(minEpoch)) < 0 {
		return time.Time{}, fmt.Errorf("%s is too small for milliseconds since 1970: multiply seconds by 1000", shorten(s))
	}
	return time.UnixMilli(r.Num().Int64()), nil
}
