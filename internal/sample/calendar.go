package sample

import "time"

const (
	days      = 28
	dayMillis = 24 * 60 * 60 * 1000
	weekDays  = 7
)

// firstDay is the first day of the sample, a Sunday; the last one is 2026-10-31.
var firstDay = time.Date(2026, time.October, 4, 0, 0, 0, 0, time.UTC)

// dayTexts holds the date of each day as JSON text up to and including the T before the hour.
var dayTexts = func() (texts [days]string) {
	for i := range texts {
		texts[i] = firstDay.AddDate(0, 0, i).Format("2006-01-02T")
	}
	return texts
}()

// dayPicker makes working days twice as busy as the weekend and each day a little busier than the one a week before.
var dayPicker = func() picker {
	week := [weekDays]int{40, 95, 108, 110, 105, 92, 48} // from Sunday on
	weights := make([]int, days)
	for i := range weights {
		weights[i] = week[i%weekDays] * (100 + i)
	}
	return newPicker(weights...)
}()

// hourPicker makes the working hours of Europe and America the busy ones.
var hourPicker = newPicker(8, 6, 5, 5, 6, 9, 16, 30, 46, 55, 58, 55, 52, 60, 66, 68, 64, 58, 48, 40, 32, 24, 16, 11)

// A moment is a time of the sample in milliseconds since the start of firstDay.
type moment int64

// pickMoment draws a moment from which on the given number of milliseconds are still in the sample.
func pickMoment(r *random, duration int64) moment {
	day, hour := dayPicker.pick(r), hourPicker.pick(r)
	m := moment(day*dayMillis + hour*60*60*1000 + r.below(60*60*1000))
	for int64(m)+duration >= days*dayMillis {
		m -= weekDays * dayMillis
	}
	return m
}

// week returns the number of the week that m is in, from 0 on.
func (m moment) week() int { return int(m / (weekDays * dayMillis)) }

// appendMoment appends head and m as RFC 3339 text with milliseconds, and the closing quote.
func appendMoment(dst []byte, head string, m moment) []byte {
	dst = append(dst, head...)
	dst = append(dst, dayTexts[m/dayMillis]...)
	ms := int(m % dayMillis)
	dst = appendTwo(dst, ms/3_600_000)
	dst = append(dst, ':')
	dst = appendTwo(dst, ms/60_000%60)
	dst = append(dst, ':')
	dst = appendTwo(dst, ms/1000%60)
	ms %= 1000
	return append(dst, '.', hexDigits[ms/100], hexDigits[ms/10%10], hexDigits[ms%10], 'Z', '"')
}

// appendTwo appends the two digits of n, which is less than 100.
func appendTwo(dst []byte, n int) []byte {
	return append(dst, hexDigits[n/10], hexDigits[n%10])
}
