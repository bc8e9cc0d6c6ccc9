package groupcommit

import "time"

const (
	// fewParts is how many active parts a partition may have for an insert that callers
	// wait for to need no interval, unless one was asked for.
	fewParts = 15
	// calmParts is how many active parts a partition may have before inserts
	// become rarer. A table with small paced inserts has about five.
	calmParts = 50
	// maxPace is the longest that parts make the interval, unless Config.Pace is
	// longer.
	maxPace = time.Second
	// pacedRows is how many rows an insert must have to need no pacing.
	pacedRows = 1000
	// partsEvery is how often the parts of a table that is written to are
	// counted.
	partsEvery = 2 * time.Second
)

// pacer says when the next insert into a table may start. Each insert makes a
// part, and small parts cost the server more than their rows. So small inserts
// keep an interval between their starts; the more rows an insert has, the less
// of the interval it has to keep. Where the server merges them as fast as they come,
// which the few parts of the table show, an eager pacer keeps none. The interval widens in proportion to the
// table's active parts once there are many of them, and then holds for inserts
// of any size.
type pacer struct {
	base  time.Duration // zero: no pacing
	eager bool

	parts    int       // active ones in the fullest partition, when last counted
	started  time.Time // the insert before
	answered time.Time
	expected int // rows, once those who were answered have come back
}

// interval returns the interval for an insert of so many rows.
func (p *pacer) interval(rows int) time.Duration {
	if p.parts > calmParts {
		wide := p.base * time.Duration(p.parts) / calmParts
		return min(wide, max(maxPace, p.base))
	}
	if p.eager && p.parts <= fewParts {
		return 0
	}
	return p.base * time.Duration(pacedRows-min(rows, pacedRows)) / pacedRows
}

// due returns when an insert of so many rows may start. After an answer it is
// given a moment: those who got the answer are likely to come back with as much
// again. Otherwise they would come just too late, and callers fall into groups
// that take turns, each with an insert of its own.
func (p *pacer) due(rows int) time.Time {
	at := p.started.Add(p.interval(rows))
	if rows < p.expected {
		if gathered := p.answered.Add(p.base / 2); gathered.After(at) {
			return gathered
		}
	}
	return at
}

// start notes that an insert starts.
func (p *pacer) start() { p.started = time.Now() }

// answer notes that an insert of so many rows was answered, and how many rows
// are waiting then.
func (p *pacer) answer(rows, waiting int) { p.answered, p.expected = time.Now(), rows+waiting }
