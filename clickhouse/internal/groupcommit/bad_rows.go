package groupcommit

import (
	"errors"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
)

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
	return chconn.ViolatesConstraint(err) || errors.As(err, &e) && e.Class == chconn.ErrRejected && e.Code != 0 && //nolint:errorlint // Class is one of them
		!slices.Contains(statementCodes, e.Code)
}
