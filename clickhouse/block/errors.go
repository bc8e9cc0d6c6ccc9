package block

import (
	"errors"
	"strconv"
	"strings"
)

// The kinds of error a row can be refused with. Test for them with errors.Is;
// [Reason] gives each one a short stable name.
var (
	// ErrType means a value of another kind than the field takes, such as a
	// string for a number.
	ErrType = errors.New("wrong type")
	// ErrRange means a number, date or time outside what the field can hold.
	ErrRange = errors.New("out of range")
	// ErrPrecision means a value that could only be stored by dropping digits
	// or a time of day.
	ErrPrecision = errors.New("precision would be lost")
	// ErrNull means null for a field that is not nullable.
	ErrNull = errors.New("null is not allowed")
	// ErrMissing means a required field without a value.
	ErrMissing = errors.New("required field is missing")
	// ErrUnknownKey means a key that is not a field of the schema.
	ErrUnknownKey = errors.New("unknown key")
	// ErrDuplicateKey means the same key twice in one object.
	ErrDuplicateKey = errors.New("duplicate key")
	// ErrTimestamp means a date or time that is not written in an accepted
	// form, or does not exist, such as February 30.
	ErrTimestamp = errors.New("not a timestamp")
	// ErrFormat means text that is not in the form the field takes: a UUID,
	// a decimal number or the name of an enum value.
	ErrFormat = errors.New("wrong format")
	// ErrID means that a fact's ID and the value of its ID field differ.
	ErrID = errors.New("conflicting fact ID")
	// ErrSyntax means text that is not JSON.
	ErrSyntax = errors.New("invalid JSON")
	// ErrTrailing means more text after the row's closing brace.
	ErrTrailing = errors.New("trailing data")
	// ErrDepth means JSON nested deeper than Options.MaxDepth.
	ErrDepth = errors.New("nested too deeply")
	// ErrUTF8 means text that is not valid UTF-8, or a \u escape that is half
	// of a surrogate pair.
	ErrUTF8 = errors.New("invalid UTF-8")
	// ErrLayout means that two blocks do not have the same layout.
	ErrLayout = errors.New("blocks have different layouts")
)

// reasons is the order and the name of every kind, for Reason.
var reasons = []struct {
	kind error
	slug string
}{
	{ErrType, "type"},
	{ErrRange, "range"},
	{ErrPrecision, "precision"},
	{ErrNull, "null"},
	{ErrMissing, "missing"},
	{ErrUnknownKey, "unknown_key"},
	{ErrDuplicateKey, "duplicate_key"},
	{ErrTimestamp, "timestamp"},
	{ErrFormat, "format"},
	{ErrID, "id"},
	{ErrSyntax, "syntax"},
	{ErrTrailing, "trailing"},
	{ErrDepth, "depth"},
	{ErrUTF8, "utf8"},
	{ErrLayout, "layout"},
}

// Reason returns a short stable name for the kind of err, for counters and
// reports: "type", "range", "unknown_key" and so on. It returns "other" for an
// error of another package and "" for nil.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	for _, r := range reasons {
		if errors.Is(err, r.kind) {
			return r.slug
		}
	}
	return "other"
}

// FieldError says why a row was refused. Every error of [Block.AppendJSON] and
// [Block.AppendJSONFact] is a *FieldError.
type FieldError struct {
	// Field is the name of the field, or the unknown key, cut like Value. It is
	// empty when the row as a whole is at fault.
	Field string
	// Path leads to the value inside the field: "[3]" is the fourth element of
	// an array, `["k"]` the value of a map's key k. It is empty for the value
	// itself.
	Path string
	// Value is the offending value as it was written, cut to a short length,
	// with control characters escaped. It is empty when there is no value.
	Value string
	// Offset is the position of the value, or of the syntax error, in bytes
	// from the start of the line. It is -1 for facts.
	Offset int
	// Err says what is wrong. It wraps one of the kinds above, such as ErrRange,
	// and the error of a Marshaler, if that is the cause.
	Err error
	// Hint says how to fix it. It may be empty.
	Hint string
}

// Error returns one line with everything there is to say.
func (e *FieldError) Error() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString("field ")
		b.WriteString(quoted(e.Field))
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	if e.Value != "" {
		b.WriteString(e.Value)
		b.WriteByte(' ')
	}
	b.WriteString(e.Err.Error())
	if e.Value == "" && e.Offset > 0 {
		b.WriteString(" at offset ")
		b.WriteString(strconv.Itoa(e.Offset))
	}
	if e.Hint != "" {
		b.WriteString(": ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *FieldError) Unwrap() error { return e.Err }
