package cli

import (
	"errors"
	"fmt"

	"github.com/factload/factload/cmd/factload/internal/show"
)

// The exit codes. They are part of the command's contract; docs/configuration.md has them
// in a table.
const (
	ExitOK        = 0 // all done
	ExitFailed    = 1 // it failed; the message says whether to run it again
	ExitUsage     = 2 // a wrong flag, argument, configuration or schema
	ExitRejected  = 3 // finished, but some rows were rejected
	ExitChanges   = 4 // a table differs from its schema
	ExitCondition = 5 // compare: a condition of --fail-if holds

	ExitSignal = 128 // plus the number of the signal that interrupted the command
)

// codedError is an error that decides the exit code.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// UsageError marks err as the user's: a wrong flag, argument, configuration or
// schema. Nil stays nil.
func UsageError(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code: ExitUsage, err: err}
}

// ErrRejected ends a load that finished with rejected rows. The summary has
// said all that there is to say.
var ErrRejected = &codedError{code: ExitRejected, err: errors.New("some rows were rejected")}

// ErrChanges ends plan and verify when a table differs from its schema. They
// have said how.
var ErrChanges = &codedError{code: ExitChanges, err: errors.New("a table differs from its schema")}

// ErrCondition says that a condition of --fail-if holds, which has been printed.
var ErrCondition = &codedError{code: ExitCondition, err: errors.New("a condition of --fail-if holds")}

// ErrUnhealthy ends doctor when something has to be done. It has said what.
var ErrUnhealthy = &codedError{code: ExitFailed, err: errors.New("something is wrong with the server or its tables")}

// ExitCode maps the result of a command to its exit code.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if i := (*Interruption)(nil); errors.As(err, &i) {
		return ExitSignal + int(i.Signal)
	}
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	return ExitFailed
}

// PrintError tells the user what went wrong, unless the command has said it.
func (a *App) PrintError(err error) {
	switch {
	case errors.Is(err, ErrRejected), errors.Is(err, ErrChanges), errors.Is(err, ErrCondition), errors.Is(err, ErrUnhealthy):
	case a.JSONLog():
		a.Log.Error("failed", "error", err.Error())
	default:
		fmt.Fprintln(show.Writer{To: a.Err}, "factload:", err)
	}
}
