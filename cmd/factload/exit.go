package main

import (
	"errors"
	"fmt"
	"io"
)

// The exit codes. They are part of the command's contract; README.md has them
// in a table.
const (
	exitOK        = 0 // all done
	exitFailed    = 1 // it failed; the message says whether to run it again
	exitUsage     = 2 // a wrong flag, argument, configuration or schema
	exitRejected  = 3 // finished, but some rows were rejected
	exitChanges   = 4 // a table differs from its schema
	exitCondition = 5 // compare: a condition of --fail-if holds

	exitSignal = 128 // plus the number of the signal that interrupted the command
)

// codedError is an error that decides the exit code.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usageError marks err as the user's: a wrong flag, argument, configuration or
// schema. Nil stays nil.
func usageError(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code: exitUsage, err: err}
}

// errRejected ends a load that finished with rejected rows. The summary has
// said all that there is to say.
var errRejected = &codedError{code: exitRejected, err: errors.New("some rows were rejected")}

// errChanges ends plan and verify when a table differs from its schema. They
// have said how.
var errChanges = &codedError{code: exitChanges, err: errors.New("a table differs from its schema")}

// errCondition says that a condition of --fail-if holds, which has been printed.
var errCondition = &codedError{code: exitCondition, err: errors.New("a condition of --fail-if holds")}

// exitCode maps the result of a command to its exit code.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if i := (*interruption)(nil); errors.As(err, &i) {
		return exitSignal + int(i.signal)
	}
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitFailed
}

// printError tells the user what went wrong.
func printError(w io.Writer, err error) {
	switch {
	case errors.Is(err, errRejected), errors.Is(err, errChanges), errors.Is(err, errCondition), errors.Is(err, errUnhealthy):
	default:
		fmt.Fprintln(terminalWriter{w}, "factload:", err)
	}
}
