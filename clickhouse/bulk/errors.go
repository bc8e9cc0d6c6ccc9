package bulk

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
)

var (
	// ErrConfig means that the Config cannot be used. Nothing was loaded.
	ErrConfig = errors.New("bad configuration")
	// ErrNoSchema means that the lines do not name their schema and that
	// Config.Schema does not either. Such an error is of kind ErrConfig too.
	ErrNoSchema = errors.New("no schema")
	// ErrWrongSchema means that a load was refused since the first rows of an input are
	// not of its schema at all. Nothing was loaded of them, and no table was made.
	ErrWrongSchema = errors.New("wrong schema")
	// ErrTooManyRejects means that a load was stopped because more rows were
	// rejected than Config.MaxRejects allows. Chunks that were finished by then
	// stay loaded.
	ErrTooManyRejects = errors.New("too many rows were rejected")
	// ErrChanged means that a file is not what was loaded under its name
	// before. Every error of that kind is a [*ChangedError].
	ErrChanged = errors.New("the file has changed since it was loaded")
	// ErrInterrupted means that a load of several inputs was interrupted, and cannot be
	// finished without all of them. Such an error is of kind ErrChanged too.
	ErrInterrupted = errors.New("a load of it was interrupted")
	// ErrRulesChanged means that an interrupted load cannot be gone on with,
	// since the same lines would become other rows now. Every error of that kind
	// is a [*RulesChangedError].
	ErrRulesChanged = errors.New("the schema or the options have changed since a load was interrupted")

	// ErrLineTooLong rejects a line of more than Config.MaxLineBytes.
	ErrLineTooLong = input.ErrLineTooLong
	// ErrBadRow means that [Lines] can make no row of a part of an input.
	ErrBadRow = errors.New("not a row")
	// ErrNotText means that an input is no text, so that there are no lines to
	// read from it.
	ErrNotText = input.ErrNotText
	// ErrCutLine rejects what follows the last line end of an input and is no
	// complete JSON value.
	ErrCutLine = errors.New("line is not complete")
	// ErrUnknownSchema rejects an envelope for a schema that is not among
	// Config.Targets.
	ErrUnknownSchema = errors.New("unknown schema")
	// ErrServerRejected rejects a row that the server refused to insert.
	ErrServerRejected = errors.New("the server refuses the row")
)

const unknownSchemaReason = "unknown_schema"

// reasonOf returns the short stable name under which a rejected row is
// counted: those of [block.Reason], and the names of this package's own kinds.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, ErrLineTooLong):
		return "line_too_long"
	case errors.Is(err, ErrCutLine):
		return "cut_line"
	case errors.Is(err, ErrUnknownSchema):
		return unknownSchemaReason
	case errors.Is(err, ErrServerRejected):
		return "server"
	}
	return block.Reason(err)
}

// RowError is a rejected row: where it stands and what is wrong with it.
type RowError struct {
	// File is the name of the input.
	File string
	// Line counts from 1.
	Line int64
	// Offset is where the line begins, in bytes of the decompressed input.
	Offset int64
	// Schema is the schema that the row was decoded by. It is empty when that
	// could not be told.
	Schema string
	// Field is the field or key at fault. It is empty when the row as a whole is.
	Field string
	// Value is the offending value as written, cut to a short length.
	Value string
	// Err says what is wrong. It wraps one of the kinds of package block, or
	// ErrLineTooLong, ErrCutLine, ErrUnknownSchema or ErrServerRejected.
	Err error
}

// Error returns one line with file, line and everything else.
func (e *RowError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	if e.Schema != "" {
		fmt.Fprintf(&b, "%s: ", e.Schema)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns Err.
func (e *RowError) Unwrap() error { return e.Err }

// InputError means that an input cannot be read, or not to its end. Chunks
// that were complete before the place of the error are loaded, and the same
// load can be run again when the input has been fixed.
type InputError struct {
	// File is the name of the input, or the argument that stands for inputs.
	File string
	// Offset is how many bytes of the decompressed input were used before the
	// error. It is 0 when reading did not begin.
	Offset int64
	// Err is what went wrong.
	Err error
}

// asInputError makes an error of finding the inputs one of this package.
func asInputError(err error) error {
	if e, ok := errors.AsType[*input.Error](err); ok {
		return &InputError{File: e.File, Err: e.Err}
	}
	return err
}

// Error names the file and says what went wrong and how far reading came.
func (e *InputError) Error() string {
	if e.Offset > 0 {
		return fmt.Sprintf("%s: %v: what comes before byte %d of the decompressed input is loaded; run the same load again when the file is whole", e.File, e.Err, e.Offset)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

// Unwrap returns Err.
func (e *InputError) Unwrap() error { return e.Err }

// ChangedError means that the ledger knows a file by its name, and that the
// file holds something else now at a place that has been loaded, or that was
// being loaded when a load was interrupted.
type ChangedError struct {
	// File is the name of the input.
	File string
	// Offset and Line say where the part begins that differs. All before is as
	// it was loaded.
	Offset, Line int64
	// Length is the number of bytes that were loaded from there in one chunk.
	// The first difference is somewhere within.
	Length int64
	// Rows is how many rows that chunk gave. It is 0 when the load was
	// interrupted.
	Rows int64
	// Load names the load that loaded the chunk, and Time says when.
	Load string
	Time time.Time
	// Together means that the part itself is as it was, but was being loaded in one
	// insert with other inputs, of which some are gone or are something else now.
	Together bool
}

// Error says what differs and what can be done.
func (e *ChangedError) Error() string {
	if e.Together {
		return fmt.Sprintf("%s: %v (load %s, %s): the %d bytes from byte %d on, line %d, were being loaded in one insert with other inputs, and not all of these are there as they were, "+
			"so it is not known which rows are in the table already: run the load once more with all of its inputs as they were, which finishes it, "+
			"or allow changed files to load these bytes as new rows", e.File, ErrInterrupted, e.Load, e.Time.UTC().Format(time.DateTime), e.Length, e.Offset, e.Line)
	}
	return fmt.Sprintf("%s: %v (load %s, %s): the %d bytes from byte %d on, line %d, are not what they were, so it is not known which rows are in the table already; "+
		"nothing from there on is loaded: allow changed files to load all from byte %d on as new rows, or force the load to load the whole file again",
		e.File, ErrChanged, e.Load, e.Time.UTC().Format(time.DateTime), e.Length, e.Offset, e.Line, e.Offset)
}

// Unwrap returns ErrChanged, and ErrInterrupted if that is what has happened.
func (e *ChangedError) Unwrap() []error {
	if e.Together {
		return []error{ErrChanged, ErrInterrupted}
	}
	return []error{ErrChanged}
}

// RulesChangedError means that a chunk was being loaded when a load was
// interrupted, and that the fields of the schema, or the options that rows are
// decoded by, have changed since. The chunk may be in its tables already; the
// server would then drop the rows that it has become now.
type RulesChangedError struct {
	// File is the name of the input.
	File string
	// Offset and Line say where the chunk begins. All before is loaded.
	Offset, Line int64
	// Length is the number of bytes of the chunk.
	Length int64
	// Load names the load that was interrupted, and Time says when it began the
	// chunk.
	Load string
	Time time.Time
}

// Error says where the load stands and how it can go on.
func (e *RulesChangedError) Error() string {
	return fmt.Sprintf("%s: %v (load %s, %s): the %d bytes from byte %d on, line %d, were being loaded then, so it is not known which rows are in the table already; "+
		"nothing from there on is loaded: run the load once more with the schema and the options of then, which finishes it, or allow changes to go on regardless: "+
		"rows of these bytes may then be missing, or be in the table as they were then",
		e.File, ErrRulesChanged, e.Load, e.Time.UTC().Format(time.DateTime), e.Length, e.Offset, e.Line)
}

// Unwrap returns ErrRulesChanged.
func (e *RulesChangedError) Unwrap() error { return ErrRulesChanged }
