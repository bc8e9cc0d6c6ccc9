package block

import (
	"bytes"
	"time"
)

// digits2 returns the number that two digits spell, or more than 99 when they
// are none.
func digits2(b []byte) uint {
	d1, d0 := uint(b[0]-'0'), uint(b[1]-'0')
	if d1 > 9 || d0 > 9 {
		return 1000
	}
	return d1*10 + d0
}

// daysInMonth is indexed by month and counts February as long.
var daysInMonth = [13]uint{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// parseDay reads YYYY-MM-DD at the start of b, which is at least ten bytes
// long, and returns the days since 1970-01-01. It reports false for another
// form and for a day that does not exist.
func parseDay(b []byte) (days int64, ok bool) {
	century, year := digits2(b), digits2(b[2:])
	month, day := digits2(b[5:]), digits2(b[8:])
	if century > 99 || year > 99 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	year += century * 100
	if month-1 > 11 || day-1 > 30 || day > daysInMonth[month] {
		return 0, false
	}
	if month == 2 && day == 29 && (year%4 != 0 || (year%100 == 0 && year%400 != 0)) {
		return 0, false
	}
	return daysFromCivil(int64(year), int64(month), int64(day)), true
}

// daysFromCivil counts the days from 1970-01-01 in the Gregorian calendar, for
// years from 0 on. Years begin in March here, so that the leap day comes last.
func daysFromCivil(year, month, day int64) int64 {
	const (
		perEra  = 146097 // days in 400 years
		toEpoch = 719468 // days from 0000-03-01 to 1970-01-01
	)
	if month <= 2 {
		year--
		month += 12
	}
	year += 400 // keeps the division below from rounding up in year 0
	era, yearOfEra := year/400, year%400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*perEra + dayOfEra - toEpoch - perEra
}

// httpTime is the form of dates in HTTP headers.
const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// instant is a point in time: the seconds since 1970 in UTC, rounded down, and
// the nanoseconds behind them.
type instant struct{ sec, nsec int64 }

const (
	secPerMinute = 60
	secPerDay    = 24 * 60 * secPerMinute
	nsPerSecond  = 1_000_000_000
)

// parseTime reads a point in time. The forms are a day alone, which means its
// midnight, and a day with a time: YYYY-MM-DDThh:mm, with T or a space between,
// then :ss and up to nine digits of a fraction if need be, then what parseOffset
// reads. The date of an HTTP header is read too.
func parseTime(b []byte) (at instant, ok bool) {
	const day, minutes = len("2006-01-02"), len("2006-01-02 15:04")
	if len(b) < day {
		return at, false
	}
	days, ok := parseDay(b)
	if !ok {
		return parseHTTPDate(b)
	}
	at.sec = days * secPerDay
	if len(b) == day {
		return at, true
	}
	if len(b) < minutes || (b[10] != 'T' && b[10] != ' ') || b[13] != ':' {
		return at, false
	}
	hour, minute, second := digits2(b[11:]), digits2(b[14:]), uint(0)
	b = b[minutes:]
	if len(b) >= 3 && b[0] == ':' {
		second = digits2(b[1:])
		if at.nsec, b, ok = parseFraction(b[3:]); !ok {
			return at, false
		}
	}
	if hour > 23 || minute > 59 || second > 59 {
		return at, false
	}
	offset, ok := parseOffset(b)
	at.sec += int64((hour*60+minute)*60+second) - offset
	return at, ok
}

// parseFraction reads a fraction of a second, if b begins with one, and
// returns its nanoseconds and what follows it.
func parseFraction(b []byte) (ns int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	const most = 9
	n := 1
	for unit := int64(nsPerSecond / 10); n < len(b) && b[n]-'0' <= 9; n++ {
		ns += int64(b[n]-'0') * unit
		unit /= 10
	}
	return ns, b[n:], n > 1 && n <= most+1
}

// parseOffset reads what ends a timestamp, and returns the seconds that it lies
// east of UTC: nothing, Z, +02:00, +0200 or +02. A space may stand in front, and
// the name UTC or GMT in its place, or behind an offset of zero.
func parseOffset(b []byte) (sec int64, ok bool) {
	if len(b) == 0 || (len(b) == 1 && b[0] == 'Z') {
		return 0, true
	}
	offset, name, named := bytes.Cut(bytes.TrimPrefix(b, []byte{' '}), []byte{' '})
	switch {
	case !named && isUTC(offset):
		return 0, true
	case named && !isUTC(name):
		return 0, false
	}
	sec, ok = parseHours(offset)
	return sec, ok && (!named || sec == 0)
}

func isUTC(name []byte) bool { return string(name) == "UTC" || string(name) == "GMT" }

// parseHours reads +02:00, +0200 or +02, and returns its seconds.
func parseHours(b []byte) (sec int64, ok bool) {
	if len(b) == len("+02:00") && b[3] == ':' {
		b = []byte{b[0], b[1], b[2], b[4], b[5]}
	}
	var hour, minute uint
	switch len(b) {
	case len("+0200"):
		minute = digits2(b[3:])
		fallthrough
	case len("+02"):
		hour = digits2(b[1:])
	default:
		return 0, false
	}
	if hour > 23 || minute > 59 {
		return 0, false
	}
	sec = int64(hour*60+minute) * secPerMinute
	switch b[0] {
	case '+':
		return sec, true
	case '-':
		return -sec, true
	}
	return 0, false
}

// parseHTTPDate reads the form of HTTP headers, Mon, 02 Jan 2006 15:04:05 GMT,
// with the day of the week that it was.
func parseHTTPDate(b []byte) (at instant, ok bool) {
	if len(b) != len(httpTime) {
		return at, false
	}
	t, err := time.Parse(httpTime, string(b))
	return instant{sec: t.Unix()}, err == nil && t.Format(httpTime) == string(b)
}
