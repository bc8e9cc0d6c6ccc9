package infer

import (
	"hash/fnv"
	"time"

	"github.com/factload/factload/fact"
)

// texts is what is known of the text values of a field.
type texts struct {
	notUUID, notTime, notDate bool
	// digits means that a timestamp has digits behind the millisecond, which are not stored.
	digits bool
	// distinct are fingerprints of the values; nil when there were more than maxDistinct.
	distinct map[uint64]struct{}
	many     bool
}

// known reports whether more values cannot change anything.
func (t *texts) known() bool { return t.notUUID && t.notTime && t.notDate && t.many }

func (t *texts) add(s string) {
	t.notUUID = t.notUUID || !isUUID(s)
	t.notDate = t.notDate || !isDate(s)
	if !t.notTime {
		ok, digits := isTime(s)
		t.notTime, t.digits = !ok, t.digits || digits
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
	lastDate  = time.Date(2149, time.June, 6, 0, 0, 0, 0, time.UTC)
	firstTime = time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC)
	endOfTime = time.Date(2300, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// isTime reports whether s is a date with a time that a datetime64 holds, in one of the forms of docs/values.md, and
// whether it has digits behind the millisecond.
func isTime(s string) (ok, digits bool) {
	const seconds = len("2006-01-02T15:04:05")
	if len(s) < seconds || (s[10] != 'T' && s[10] != ' ') {
		return false, false
	}
	at, err := time.Parse("2006-01-02T15:04:05", s[:10]+"T"+s[11:seconds])
	if err != nil {
		return false, false
	}
	millis, digits, rest, ok := cutFraction(s[seconds:])
	if !ok {
		return false, false
	}
	offset, ok := parseOffset(rest)
	at = at.Add(time.Duration(millis)*time.Millisecond - offset)
	return ok && !at.Before(firstTime) && at.Before(endOfTime), digits
}

// cutFraction reads a fraction of a second of at most nine digits, if there is one, and returns what follows it.
func cutFraction(s string) (millis int, digits bool, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, false, s, true
	}
	const most = 9
	n := 1
	for unit := 100; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
		millis += int(s[n]-'0') * unit
		digits = digits || unit == 0 && s[n] != '0'
		unit /= 10
	}
	return millis, digits, s[n:], n > 1 && n <= most+1
}

// parseOffset reads what ends a timestamp: Z, an offset such as +02:00, or nothing.
func parseOffset(s string) (time.Duration, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[3] != ':' || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	at, err := time.Parse("15:04", s[1:])
	if err != nil {
		return 0, false
	}
	offset := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}
