package chconn

import (
	"errors"
	"fmt"
	"strings"
)

// The classes of error. Every [*Error] belongs to at most one; test for it
// with errors.Is. Errors of a context that ended before anything was sent have
// none.
var (
	// ErrRetryable means that the call failed for the moment: no connection,
	// too many queries, too many parts, memory, read-only replicas and the
	// like. The same call may be made again. Nothing was stored by the try that
	// failed so, and an insert must be repeated with the same token, since
	// another try of it may be stored.
	//
	// These are the server's codes 3, 32, 33, 40, 74, 75, 76, 101, 107, 159, 164,
	// 173, 198, 202, 203, 209, 210, 216, 225, 236, 241, 242, 243, 246, 252, 271,
	// 279, 285, 286, 341, 394, 425, 439, 473, 517, 745, 999, 1000, 1001 and 1002,
	// HTTP statuses 400, 408, 425, 429 and 503, and network errors, each before rows
	// have been sent. Of these only 202 and, where no materialized view reads from
	// the table, 252 are retryable afterwards.
	ErrRetryable = errors.New("retryable")

	// ErrAmbiguous means that nobody knows whether the statement has taken effect.
	// An insert with a token may be repeated with that token and takes effect
	// once; see [Inserter.Insert] of package insert for the limits.
	//
	// Once rows of an insert have been sent, every failure is of this class, but
	// those with a code of the server that proves that none is stored: see
	// [ProvesNothingStored]. When a materialized view fails, the rows may be in the
	// table and not in what the view inserts into. Repeating the insert with its
	// token, once the view has been fixed, brings them there.
	//
	// For other statements these are the server's code 319, HTTP statuses 500, 502
	// and 504 without a code, and network errors or the end of the context after
	// the server had accepted the statement.
	ErrAmbiguous = errors.New("outcome unknown")

	// ErrRejected means that the server or the network refused the call and
	// would refuse it again: wrong credentials, missing grants, wrong protocol,
	// a bad certificate, a syntax error, and every code not listed elsewhere.
	// Nothing was stored.
	ErrRejected = errors.New("rejected")

	// ErrSchema means that the database, the table or a column is missing or
	// not of the type that it should be. Nothing was stored.
	//
	// These are the server's codes 8, 9, 10, 15, 16, 20, 44, 53, 60, 70, 81, 122,
	// 171, 218 and 349, and what the client itself finds out by comparing the
	// table with the schema.
	ErrSchema = errors.New("schema mismatch")

	// ErrClosed means that the call was made after Close.
	ErrClosed = errors.New("closed")
)

// errClosed is what calls on a closed Client fail with.
var errClosed = fmt.Errorf("client is %w", ErrClosed)

// Error is what the calls of a [Client] fail with. It never holds the password
// of the DSN.
type Error struct {
	// Op says what was tried, such as `insert into "message"`.
	Op string
	// Class is one of the Err variables of this package, or nil.
	Class error
	// Code is the server's error code. Zero means that the server did not
	// answer, or not with a code.
	Code int
	// Name is the server's name for the code, such as TOO_MANY_PARTS. Empty
	// when it is not known.
	Name string
	// Text says what went wrong.
	Text string
	// Hint says how to fix it. It may be empty.
	Hint string
	// Partial says that some rows of an insert are stored although it failed:
	// it was sent in several pieces, and one of them after others failed.
	Partial bool

	Cause error
}

// Error returns the texts of e in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	b.WriteString(e.Text)
	switch {
	case e.Code != 0 && e.Name != "":
		fmt.Fprintf(&b, " (code %d, %s)", e.Code, e.Name)
	case e.Code != 0:
		fmt.Fprintf(&b, " (code %d)", e.Code)
	}
	if e.Hint != "" {
		b.WriteString(": ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap returns the class and the cause, for errors.Is and errors.As. A cause
// whose text contains the password is left out.
func (e *Error) Unwrap() []error {
	var out []error
	for _, err := range []error{e.Class, e.Cause} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// valueless are rejections whose text holds names and numbers, never values of rows.
var valueless = map[int]bool{CodeAccessDenied: true, CodeWrongPassword: true, CodeUnknownTable: true, CodeUnknownDatabase: true, 115: true, 452: true}

// ForLog returns the text of an error without what the server wrote that may hold
// values of rows, as it does of a row that breaks a constraint. What was tried, the
// code and its name stay.
func ForLog(err error) string {
	code, name, _ := serverException(err)
	op := "insert"
	if e, ok := errors.AsType[*Error](err); ok {
		code, name, op = e.Code, e.Name, e.Op
	}
	passing := codeClasses[code] == ErrRetryable && code < 1000 //nolint:errorlint // it is a class itself
	if code == 0 || passing || valueless[code] {
		return err.Error()
	}
	shown := Error{Op: op, Code: code, Name: name, Text: "the server's answer is left out, since it may hold values"}
	return shown.Error()
}

// schemaError makes an error one of class ErrSchema.
type schemaError struct{ err error }

func (e *schemaError) Error() string   { return e.err.Error() }
func (e *schemaError) Unwrap() []error { return []error{e.err, ErrSchema} }

// SchemaError returns err as one of class [ErrSchema], with its own text.
func SchemaError(err error) error { return &schemaError{err} }
