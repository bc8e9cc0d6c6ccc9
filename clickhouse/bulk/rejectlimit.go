package bulk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// RejectLimit says how many rejected rows a load tolerates. The zero value
// is no limit. A load that goes on after an interruption is judged as if there
// had been none: rejects of chunks that it skips count if they were loaded by
// loads of the same inputs that have not come to their end. Those of loads that
// have do not count.
type RejectLimit struct {
	kind    limitKind
	rows    int64
	percent float64
}

type limitKind uint8

const (
	noLimit limitKind = iota
	rowLimit
	percentLimit
)

// percentFrom is the number of rows from which on a share is judged while the
// load runs. At the end of the load it is judged in any case.
const percentFrom = 1000

// MaxRejectRows allows n rejected rows. With 0 the first one stops the load.
func MaxRejectRows(n int64) RejectLimit { return RejectLimit{kind: rowLimit, rows: n} }

// MaxRejectPercent allows a share of all rows, from 0 to 100. It is judged
// from 1000 rows on, and at the end of the load.
func MaxRejectPercent(p float64) RejectLimit { return RejectLimit{kind: percentLimit, percent: p} }

// ParseRejectLimit reads a limit: a number of rows such as 100, a share such
// as 0.5%, or nothing for no limit.
func ParseRejectLimit(s string) (RejectLimit, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return RejectLimit{}, nil
	}
	var l RejectLimit
	if share, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil {
			p = -1
		}
		l = MaxRejectPercent(p)
	} else {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			n = -1
		}
		l = MaxRejectRows(n)
	}
	if err := l.validate(); err != nil {
		return RejectLimit{}, fmt.Errorf("%q is not a limit of rejected rows: write a number such as 100 or a share such as 0.5%%", s)
	}
	return l, nil
}

// String returns the limit as ParseRejectLimit reads it.
func (l RejectLimit) String() string {
	switch l.kind {
	case rowLimit:
		return strconv.FormatInt(l.rows, 10)
	case percentLimit:
		return strconv.FormatFloat(l.percent, 'g', -1, 64) + "%"
	}
	return ""
}

func (l RejectLimit) validate() error {
	if l.rows < 0 || l.percent < 0 || l.percent > 100 || math.IsNaN(l.percent) {
		return fmt.Errorf("limit of rejected rows %s is out of range", l)
	}
	return nil
}

// exceeded reports whether the limit is passed. At the end of a load, last is
// true.
func (l RejectLimit) exceeded(rows, rejected int64, last bool) bool {
	switch l.kind {
	case rowLimit:
		return rejected > l.rows
	case percentLimit:
		all := rows + rejected
		return rejected > 0 && (last || all >= percentFrom) && float64(rejected)*100 > l.percent*float64(all)
	}
	return false
}

// chunkLimit returns how many rejects a single chunk may have before the limit
// is certainly passed.
func (l RejectLimit) chunkLimit() int64 {
	if l.kind == rowLimit {
		return l.rows
	}
	return math.MaxInt64
}
