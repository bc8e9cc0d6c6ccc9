package show

import (
	"fmt"
	"strconv"
	"time"
)

// Thousands writes a number as 1,234,567.
func Thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Count writes "1 table" or "2,000 tables".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", Thousands(int64(n)), what)
}

// Rows writes a number of rows.
func Rows(n int64) string { return Count(int(n), "row") }

// Took writes a duration with three digits or so.
func Took(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
