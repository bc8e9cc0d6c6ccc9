package clickhouse

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
)

// lateTime is how long after an outage a server may lack its databases, tables
// and users: it answers while it still loads them, or another tool makes them.
const lateTime = time.Minute

// lateCodes are what a server answers that lacks them. Nothing is stored then.
var lateCodes = []int{chconn.CodeUnknownDatabase, chconn.CodeUnknownTable, chconn.CodeAccessDenied, 192 /* UNKNOWN_USER */, chconn.CodeWrongPassword}

// lateness knows when the server could last not be reached.
type lateness struct {
	always bool // of a database that is missing; see Buffered
	outage atomic.Int64
}

// retryable returns err as one of class ErrRetryable if the server may have what
// it lacks in a moment. Others are noted, when they are outages, and returned.
func (l *lateness) retryable(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code == 0 && (e.Class == ErrRetryable || e.Class == ErrAmbiguous) { //nolint:errorlint // Class is one of them
		l.outage.Store(time.Now().UnixNano())
		return err
	}
	recent := time.Since(time.Unix(0, l.outage.Load())) < lateTime
	missing := l.always && e.Code == chconn.CodeUnknownDatabase
	if e.Class == ErrAmbiguous || !slices.Contains(lateCodes, e.Code) || !recent && !missing { //nolint:errorlint // the same
		return err
	}
	late := *e
	late.Class = ErrRetryable
	late.Cause = nil // it has the class that it had
	return &late
}
