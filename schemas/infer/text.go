package infer

import (
	"cmp"
	"hash/fnv"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/factload/factload/fact"
)

// texts is what is known of the text values of a field.
type texts struct {
	notUUID, notTime, notDate bool
	// precision is how many digits of a second the timestamps have, at least 3.
	precision int
	late      bool // one lies behind the times that nanoseconds reach

	// notNumber means that a text is no number as JSON has it, NaN left out, or would not be written back alike.
	notNumber bool
	number    numbers
	// distinct are fingerprints of the values; nil when there were more than maxDistinct.
	distinct map[uint64]struct{}
	many     bool
}

// known reports whether more values cannot change anything.
func (t *texts) known() bool { return t.notUUID && t.notTime && t.notDate && t.notNumber && t.many }

func (t *texts) add(s string) {
	t.notUUID = t.notUUID || !isUUID(s)
	t.notDate = t.notDate || !isDate(s)
	if !t.notTime {
		at, precision, ok := parseTime(s)
		t.notTime, t.precision, t.late = !ok, max(t.precision, precision), t.late || at.After(lastNanosecond)
	}
	if !t.notNumber && s != "NaN" && s != "Infinity" && s != "-Infinity" {
		if t.notNumber = !plainNumber.MatchString(s); !t.notNumber {
			t.number.add([]byte(s))
		}
	}
	if t.many {
		return
	}
	if t.distinct == nil {
		t.distinct = make(map[uint64]struct{})
	}
	t.distinct[fingerprint(s)] = struct{}{}
	if len(t.distinct) > maxDistinct {
		t.many, t.distinct = true, nil
	}
}

// fingerprint tells texts apart, but for a chance that does not matter in a guess.
func fingerprint(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// plainNumber is a number that is written back as it is: no exponent, and no zeros that say nothing.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,18})(\.[0-9]{0,14}[1-9]|\.0)?$`)

const (
	fewValues = 20 // below, nothing is known about cardinality
	fewShare  = 10 // how often a value is there on average
)

// choose returns the type of text, of which there were n values.
func (t *texts) choose(n int64) fact.FieldType {
	switch {
	case !t.notUUID:
		return fact.UUID
	case !t.notTime:
		return fact.DateTime64
	case !t.notDate:
		return fact.Date
	case !t.many && n >= fewValues && int64(len(t.distinct))*fewShare <= n:
		return fact.LowCardinalityString
	}
	return fact.String
}

// isUUID reports whether s is a UUID as it is written back: in lower case and with dashes.
func isUUID(s string) bool {
	if len(s) != len("61f0c404-5cb3-11e7-907b-a6006ad3dba0") {
		return false
	}
	for i, c := range []byte(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isDate reports whether s is a day that a date holds.
func isDate(s string) bool {
	if len(s) != len(time.DateOnly) {
		return false
	}
	day, err := time.Parse(time.DateOnly, s)
	return err == nil && !day.Before(time.Unix(0, 0)) && !day.After(lastDate)
}

var (
	lastDate       = time.Date(2149, time.June, 6, 0, 0, 0, 0, time.UTC)
	firstTime      = time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC)
	endOfTime      = time.Date(2300, time.January, 1, 0, 0, 0, 0, time.UTC)
	lastNanosecond = time.Unix(0, math.MaxInt64-1e9)
)

// timeForm is a date with a time whose offset, if there is one, cannot be taken for anything else. Forms that load takes
// but that are rarer stay text: whoever wants them as times can say so.
var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?$`)

// parseTime returns the time that s spells, if a datetime64 holds it, and how many digits of a second it has: 3, 6 or 9.
func parseTime(s string) (at time.Time, precision int, ok bool) {
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' {
		return at, 0, false
	}
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return at, 0, false
	}
	offset := strings.Replace(cmp.Or(m[4], "Z"), ":", "", 1)
	at, err := time.Parse("2006-01-02T15:04:05Z0700", m[1]+"T"+m[2]+m[3]+offset)
	if err != nil || at.Before(firstTime) || !at.Before(endOfTime) {
		return at, 0, false
	}
	return at, digitsOfSecond(at.Nanosecond()), true
}

// digitsOfSecond returns the precision that keeps the nanoseconds of a second.
func digitsOfSecond(ns int) int {
	switch {
	case ns%1e6 == 0:
		return 3
	case ns%1e3 == 0:
		return 6
	}
	return 9
}
