package block

import "github.com/ClickHouse/ch-go/proto"

// The points in time that a DateTime64 field takes, in milliseconds: from
// 1900-01-01 up to 2299-12-31 23:59:59.999.
const (
	minTime = -2208988800_000
	maxTime = 10413792000_000 - 1
)

// zeroTime is the zero time.Time in milliseconds.
const zeroTime = -62135596800_000

// minEpoch is the smallest number, but for 0, that is taken as milliseconds
// since 1970. Below it, in size, lie the seconds of the years up to 5138, and a
// number is more likely one of those than a time before March 1973.
const minEpoch = 100_000_000_000

// dateTimeColumn holds points in time as milliseconds since 1970 in UTC.
type dateTimeColumn struct {
	fixed[int64, proto.ColInt64]
}

func (c *dateTimeColumn) appendJSON(s *scanner) error {
	if s.peek() != '"' {
		return c.appendNumber(s)
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	return c.addText(text)
}

func (c *dateTimeColumn) addText(text []byte) error {
	ms, ok := parseTime(text)
	if !ok {
		return newValueError(ErrTimestamp, "is not a timestamp",
			`write it as "2006-01-02T15:04:05.999Z", with an offset, or as "2006-01-02 15:04:05.999" in UTC`)
	}
	return c.add(ms)
}

func (c *dateTimeColumn) appendNumber(s *scanner) error {
	if !isNumber(s.peek()) {
		return s.mismatch("a timestamp")
	}
	magnitude, negative, err := s.integer()
	if err != nil {
		f := asValueError(err)
		switch {
		case f.is(ErrPrecision):
			f.kind = ErrTimestamp
			f.text = "is not a whole number of milliseconds since 1970"
			f.hint = "multiply seconds by 1000 and round, or write text such as \"2006-01-02T15:04:05.999Z\""
		case f.is(ErrRange):
			return timeRange()
		}
		return f
	}
	if magnitude > maxTime {
		return timeRange()
	}
	ms := int64(magnitude)
	if negative {
		ms = -ms
	}
	return c.addEpoch(ms)
}

// addEpoch appends a number of milliseconds since 1970.
func (c *dateTimeColumn) addEpoch(ms int64) error {
	if ms != 0 && ms > -minEpoch && ms < minEpoch {
		return newValueError(ErrTimestamp, "is too small for milliseconds since 1970",
			"multiply seconds by 1000, or write text such as \"1970-01-01T00:00:01Z\"")
	}
	return c.add(ms)
}

func (c *dateTimeColumn) add(ms int64) error {
	if ms == zeroTime {
		return newValueError(ErrRange, "is the zero time.Time of Go",
			"leave the key out (in a struct: by the option omitzero in the tag), or make the field nullable and give nil")
	}
	if ms < minTime || ms > maxTime {
		return timeRange()
	}
	c.push(ms)
	return nil
}

func timeRange() error {
	return newValueError(ErrRange, "is out of range for datetime64 (1900-01-01 to 2299-12-31)",
		"if it is a number, it must count milliseconds, not microseconds or nanoseconds")
}

func (c *dateTimeColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*dateTimeColumn](src).fixed, from, to)
}

// dateColumn holds days as their number since 1970-01-01.
type dateColumn struct {
	fixed[uint16, proto.ColUInt16]
}

const maxDay = 1<<16 - 1 // 2149-06-06

func (c *dateColumn) appendJSON(s *scanner) error {
	if s.peek() != '"' {
		return s.mismatch(`a date such as "2006-01-02"`)
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	return c.addText(text)
}

// addText appends a day. A time is taken if it is a midnight in UTC.
func (c *dateColumn) addText(text []byte) error {
	ms, ok := parseTime(text)
	if !ok {
		return newValueError(ErrTimestamp, "is not a date", `write it as "2006-01-02"`)
	}
	return c.add(ms)
}

// add appends the day that begins at ms milliseconds since 1970.
func (c *dateColumn) add(ms int64) error {
	if ms%msPerDay != 0 {
		return newValueError(ErrPrecision, "has a time of day, which a date cannot hold", "use datetime64 in the schema")
	}
	days := ms / msPerDay
	if days < 0 || days > maxDay {
		return newValueError(ErrRange, "is out of range for date (1970-01-01 to 2149-06-06)", "use datetime64 in the schema")
	}
	c.push(uint16(days))
	return nil
}

func (c *dateColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*dateColumn](src).fixed, from, to)
}
