package chconn

import "errors"

// Once rows of an insert have been sent, they may be stored unless the server's
// own answer proves that they are not. What proves it is a short list of codes,
// and each is here since the server raises it before any part is written:
// nothing follows from a code that is not listed, nor from a text, which may
// hold what users wrote.

// refusedBeforeRows are codes with which the server refuses a statement before
// it runs it. Over HTTP the rows are on their way by then.
var refusedBeforeRows = map[int]string{
	CodeSyntaxError:     "the statement is parsed first",
	73:                  "UNKNOWN_FORMAT: the format of the rows is looked up before they are read",
	CodeUnknownDatabase: "the database is looked up before the table is",
	115:                 "UNKNOWN_SETTING: settings are applied before the statement runs",
	192:                 "UNKNOWN_USER: nobody is logged in yet",
	193:                 "WRONG_PASSWORD: the same",
	194:                 "REQUIRED_PASSWORD: the same",
	195:                 "IP_ADDRESS_NOT_ALLOWED: the same",
	202:                 "TOO_MANY_SIMULTANEOUS_QUERIES: the statement is not among the running ones",
	291:                 "DATABASE_ACCESS_DENIED: rights on the database come before the table",
	452:                 "SETTING_CONSTRAINT_VIOLATION: settings are applied before the statement runs",
	CodeWrongPassword:   "AUTHENTICATION_FAILED: nobody is logged in yet",
}

// refusedBeforeParts are codes with which the server refuses a block before the
// table writes a part of it. A materialized view raises the same codes after
// the table has written its parts, so they prove nothing where there is one.
var refusedBeforeParts = map[int]string{
	8:                      "THERE_IS_NO_COLUMN: columns are compared when the block is read",
	9:                      "SIZES_OF_COLUMNS_DOESNT_MATCH: the same",
	10:                     "NOT_FOUND_COLUMN_IN_BLOCK: the same",
	15:                     "DUPLICATE_COLUMN: the same",
	16:                     "NO_SUCH_COLUMN_IN_TABLE: the same",
	20:                     "NUMBER_OF_COLUMNS_DOESNT_MATCH: the same",
	CodeIllegalColumn:      "a column that takes no values is refused by its name",
	CodeTypeMismatch:       "types are compared when the block is read",
	CodeUnknownTable:       "the table is looked up before rows are read",
	CodeCannotConvert:      "blocks are converted before the table gets them",
	122:                    "INCOMPATIBLE_COLUMNS: columns are compared when the block is read",
	171:                    "BLOCKS_HAVE_DIFFERENT_STRUCTURE: the same",
	CodeTableIsDropped:     "the table is locked before rows are read",
	CodeTooManyParts:       "the table counts its parts, and the block's partitions, before it writes any",
	349:                    "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN: blocks are converted before the table gets them",
	CodeViolatedConstraint: "constraints are checked before the table gets the block",
	CodeAccessDenied:       "rights on the table are checked before rows are read",
}

// ProvesNothingStored reports whether a code of the server, in answer to an
// insert whose rows have been sent, proves that none of them is stored. Views
// says that materialized views read from the table, or that it is not known.
func ProvesNothingStored(code int, views bool) bool {
	if _, ok := refusedBeforeRows[code]; ok {
		return true
	}
	_, ok := refusedBeforeParts[code]
	return ok && !views
}

// ErrRows means that an insert was not sent, since some of its rows are not what a column
// of the table holds. Others may be.
var ErrRows = errors.New("rows that the table does not hold")

// ViolatesConstraint reports whether the last try of an insert was refused because a row
// breaks a constraint of the table, or is [ErrRows]. The server checks that before it looks at the token
// and before it stores any row: that try stored nothing. An earlier one may have, when
// the constraint is younger.
func ViolatesConstraint(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == CodeViolatedConstraint || errors.Is(err, ErrRows)) && !e.Partial
}
