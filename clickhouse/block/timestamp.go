package block

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

const (
	msPerSecond = 1000
	msPerMinute = 60 * msPerSecond
	msPerDay    = 24 * 60 * msPerMinute
)

// parseTime reads a point in time and returns it in milliseconds since 1970 in
// UTC. The forms are a day alone, which means its midnight, and a day with a
// time: YYYY-MM-DDThh:mm:ss with T or a space between, up to nine digits of a
// fraction, of which those behind the third are dropped, and Z, an offset such
// as +02:00, or nothing, which means UTC.
func parseTime(b []byte) (ms int64, ok bool) {
	const day, seconds = len("2006-01-02"), len("2006-01-02 15:04:05")
	if len(b) < day {
		return 0, false
	}
	days, ok := parseDay(b)
	if !ok || len(b) == day {
		return days * msPerDay, ok
	}
	if len(b) < seconds || (b[10] != 'T' && b[10] != ' ') || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	hour, minute, second := digits2(b[11:]), digits2(b[14:]), digits2(b[17:])
	if hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	ms = days*msPerDay + int64((hour*60+minute)*60+second)*msPerSecond
	fraction, b, ok := parseFraction(b[seconds:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(b)
	return ms + fraction - offset, ok
}

// parseFraction reads a fraction of a second, if b begins with one, and
// returns its milliseconds and what follows it.
func parseFraction(b []byte) (ms int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	const most = 9
	n := 1
	for unit := int64(msPerSecond / 10); n < len(b) && b[n]-'0' <= 9; n++ {
		ms += int64(b[n]-'0') * unit
		unit /= 10
	}
	return ms, b[n:], n > 1 && n <= most+1
}

// parseOffset reads the offset that ends a timestamp and returns its
// milliseconds east of UTC.
func parseOffset(b []byte) (ms int64, ok bool) {
	switch {
	case len(b) == 0, len(b) == 1 && b[0] == 'Z':
		return 0, true
	case len(b) != len("+00:00") || b[3] != ':':
		return 0, false
	}
	hour, minute := digits2(b[1:]), digits2(b[4:])
	if hour > 23 || minute > 59 {
		return 0, false
	}
	ms = int64(hour*60+minute) * msPerMinute
	switch b[0] {
	case '+':
		return ms, true
	case '-':
		return -ms, true
	}
	return 0, false
}
