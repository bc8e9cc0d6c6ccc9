package groupcommit

import (
	"errors"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
)

// violatesConstraint reports whether the last try of an insert was refused
// because a row breaks a constraint of the table. The server checks that before
// it looks at the token and before it stores any row: that try stored nothing.
// An earlier one may have, when the constraint is younger.
func violatesConstraint(err error) bool {
	var e *chconn.Error
	return errors.As(err, &e) && e.Code == chconn.CodeViolatedConstraint && !e.Partial
}

// statementCodes are rejections that have nothing to do with the rows.
var statementCodes = []int{
	chconn.CodeSyntaxError, chconn.CodeAccessDenied, chconn.CodeWrongPassword, chconn.CodeNotImplemented,
	73,  // UNKNOWN_FORMAT
	115, // UNKNOWN_SETTING
	192, // UNKNOWN_USER
	193, // WRONG_PASSWORD
	194, // REQUIRED_PASSWORD
	195, // IP_ADDRESS_NOT_ALLOWED
	291, // DATABASE_ACCESS_DENIED
	452, // SETTING_CONSTRAINT_VIOLATION
}

// refusesRows reports whether the server refused an insert for its rows, so
// that some of them may be stored without the others.
func refusesRows(err error) bool {
	var e *chconn.Error
	return violatesConstraint(err) || errors.As(err, &e) && e.Class == chconn.ErrRejected && e.Code != 0 && //nolint:errorlint // Class is one of them
		!slices.Contains(statementCodes, e.Code)
}
