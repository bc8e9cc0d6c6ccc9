package block

import (
	"cmp"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/fact"
)

// The points in time that a DateTime64 field takes: from 1900-01-01 up to the end
// of 2299, or with nanoseconds to where 64 bits of them end.
const (
	minSecond     = -2208988800
	maxSecond     = 10413792000 - 1
	maxNanoSecond = 9223372036 - 1 // 2262-04-11 23:47:15
)

// zeroSecond is the zero time.Time.
const zeroSecond = -62135596800

// minEpoch is the smallest number, but for 0, that is taken as milliseconds
// since 1970. Below it, in size, lie the seconds of the years up to 5138, and a
// number is more likely one of those than a time before March 1973.
const minEpoch = 100_000_000_000

// dateTimeColumn holds points in time since 1970 in UTC, as a number of its
// smallest steps.
type dateTimeColumn struct {
	fixed[int64, proto.ColInt64]
	precision int       // digits of a second: 3, 6 or 9
	unit      fact.Unit // of numbers, or empty for whole milliseconds
}

func newDateTimeColumn(t proto.ColumnType, f fact.Field) column {
	return &dateTimeColumn{fixed: fixed[int64, proto.ColInt64]{typ: t}, precision: cmp.Or(f.Precision, 3), unit: f.Unit}
}

func (c *dateTimeColumn) appendJSON(s *scanner) error {
	if c.unit != "" {
		if at, found, err := s.readEpoch(c.unit); err != nil {
			return err
		} else if found {
			return c.add(at)
		}
	}
	if s.peek() != '"' {
		return c.appendMillis(s)
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	at, ok := parseTime(text)
	if !ok {
		f := newValueError(ErrTimestamp, "is not a timestamp",
			`write it as "2006-01-02T15:04:05.999Z", with an offset, or as "2006-01-02 15:04:05.999" in UTC`)
		if isJSONNumber(text) {
			f.hint = unitHint(text, "")
		}
		return f
	}
	return c.add(at)
}

// appendMillis takes a number where no unit is given.
func (c *dateTimeColumn) appendMillis(s *scanner) error {
	if c.unit != "" || !isNumber(s.peek()) {
		return s.mismatchTime("a timestamp", c.unit)
	}
	start := s.pos
	magnitude, negative, err := s.integer()
	text := s.data[start:s.pos]
	if err != nil {
		f := asValueError(err)
		switch {
		case f.is(ErrPrecision):
			f.kind = ErrTimestamp
			f.text = "is not a whole number of milliseconds since 1970"
			f.hint = unitHint(text, "")
		case f.is(ErrRange):
			return c.outOfRange(text)
		}
		return f
	}
	const second = 1000
	if magnitude >= (maxSecond+1)*second {
		return c.outOfRange(text)
	}
	if magnitude != 0 && magnitude < minEpoch {
		return newValueError(ErrTimestamp, "is too small for milliseconds since 1970", unitHint(text, fact.Milliseconds))
	}
	at := instant{int64(magnitude / second), int64(magnitude%second) * (nsPerSecond / second)}
	if negative {
		if at.sec = -at.sec; at.nsec > 0 {
			at.sec, at.nsec = at.sec-1, nsPerSecond-at.nsec
		}
	}
	return c.add(at)
}

func (c *dateTimeColumn) add(at instant) error {
	if at.sec < minSecond || at.sec > maxSecond {
		if at == (instant{sec: zeroSecond}) {
			return newValueError(ErrRange, "is the zero time.Time of Go",
				"leave the key out (in a struct: by the option omitzero in the tag), or make the field nullable and give nil")
		}
		return c.outOfRange(nil)
	}
	switch c.precision {
	case 3:
		c.push(at.sec*1e3 + at.nsec/1e6)
	case 6:
		c.push(at.sec*1e6 + at.nsec/1e3)
	default:
		if at.sec > maxNanoSecond {
			return c.outOfRange(nil)
		}
		c.push(at.sec*1e9 + at.nsec)
	}
	return nil
}

// outOfRange is the error for a time, which may have been given as a number.
func (c *dateTimeColumn) outOfRange(number []byte) error {
	f := newValueError(ErrRange, "is out of range for datetime64 (1900-01-01 to 2299-12-31)", "")
	if c.precision == 9 {
		f.text, f.hint = "is out of range for datetime64 with 9 digits (1900-01-01 to 2262-04-11)", "with precision: 6 the range is larger"
	}
	if number != nil {
		f.hint = unitHint(number, fact.Milliseconds)
	}
	return f
}

func (c *dateTimeColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*dateTimeColumn](src).fixed, from, to)
}

// dateColumn holds days as their number since 1970-01-01.
type dateColumn struct {
	fixed[uint16, proto.ColUInt16]
	unit fact.Unit // of numbers, which are not taken without one
}

const maxDay = 1<<16 - 1 // 2149-06-06

// appendJSON appends a day. A time is taken if it is a midnight in UTC.
func (c *dateColumn) appendJSON(s *scanner) error {
	if c.unit != "" {
		if at, found, err := s.readEpoch(c.unit); err != nil {
			return err
		} else if found {
			return c.add(at)
		}
	}
	if s.peek() != '"' {
		return s.mismatchTime(`a date such as "2006-01-02"`, c.unit)
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	at, ok := parseTime(text)
	if !ok {
		f := newValueError(ErrTimestamp, "is not a date", `write it as "2006-01-02"`)
		if isJSONNumber(text) {
			f.hint = unitHint(text, "")
		}
		return f
	}
	return c.add(at)
}

func (c *dateColumn) add(at instant) error {
	if at.sec%secPerDay != 0 || at.nsec != 0 {
		return newValueError(ErrPrecision, "has a time of day, which a date cannot hold", "use datetime64 in the schema")
	}
	days := at.sec / secPerDay
	if days < 0 || days > maxDay {
		return newValueError(ErrRange, "is out of range for date (1970-01-01 to 2149-06-06)", "use datetime64 in the schema")
	}
	c.push(uint16(days))
	return nil
}

func (c *dateColumn) appendRows(src column, from, to int) {
	c.pushAll(&as[*dateColumn](src).fixed, from, to)
}
