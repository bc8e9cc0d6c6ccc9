package ddl

import (
	"fmt"
	"time"
)

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05"}

// The range of DateTime64.
var (
	minTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2299, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
)

func timeLiteral(v any) (string, error) {
	t, err := toTime(v, timeLayouts, "a time: give a time.Time, RFC 3339 text or YYYY-MM-DD hh:mm:ss")
	if err != nil {
		return "", err
	}
	if !t.Truncate(time.Millisecond).Equal(t) {
		return "", fmt.Errorf("%s has more than milliseconds", t.Format(time.RFC3339Nano))
	}
	if t.Before(minTime) || t.After(maxTime) {
		return "", fmt.Errorf("%s is out of range: the years 1900 to 2299 are", t.Format(time.RFC3339Nano))
	}
	return QuoteString(t.Format("2006-01-02 15:04:05.000")), nil
}

func toTime(v any, layouts []string, want string) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t.UTC(), nil
	}
	s, err := text(v)
	if err != nil {
		return time.Time{}, fmt.Errorf("%T is not %s", v, want)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not %s", shorten(s), want)
}

// The range of Date.
var (
	minDate = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	maxDate = time.Date(2149, 6, 6, 0, 0, 0, 0, time.UTC)
)

func dateLiteral(v any) (string, error) {
	t, err := toTime(v, []string{time.DateOnly}, "a date: give YYYY-MM-DD, or a time.Time at midnight UTC")
	if err != nil {
		return "", err
	}
	if !t.Truncate(24 * time.Hour).Equal(t) {
		return "", fmt.Errorf("%s has a time of day", t.Format(time.RFC3339Nano))
	}
	if t.Before(minDate) || t.After(maxDate) {
		return "", fmt.Errorf("%s is out of range: 1970-01-01 to 2149-06-06 are", t.Format(time.DateOnly))
	}
	return QuoteString(t.Format(time.DateOnly)), nil
}
