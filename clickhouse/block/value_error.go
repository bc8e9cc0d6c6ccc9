package block

import "errors"

// noOffset marks an error whose position is not known (yet).
const noOffset = -1

// valueError is what a column or the scanner has to say about a value. The block
// adds the name of the field to make a FieldError of it. They are made for
// refused rows only, so they may allocate.
type valueError struct {
	kind  error  // one of the sentinels
	cause error  // of the caller's own, or nil
	text  string // reads on after the value: "is a string, want an integer"
	hint  string
	path  string // below the field
	value string // cut; empty: the block shows the raw value at offset at
	at    int    // offset into the text being scanned, or noOffset
	bare  bool   // no value is shown: text says everything
}

// is reports whether the error is of the given kind.
func (f *valueError) is(kind error) bool { return errors.Is(f.kind, kind) }

// Error returns the text alone.
func (f *valueError) Error() string { return f.text }

// Unwrap returns the kind and the cause.
func (f *valueError) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// newValueError returns an error about the value being appended.
func newValueError(kind error, text, hint string) *valueError {
	return &valueError{kind: kind, text: text, hint: hint, at: noOffset}
}

// asValueError returns err as a *valueError, which every error below the block is.
func asValueError(err error) *valueError {
	var f *valueError
	if !errors.As(err, &f) {
		panic("block: an error that is no valueError: " + err.Error())
	}
	return f
}

// within puts a step in front of the path of err: an index or a key.
func within(err error, step string, at int) error {
	f := asValueError(err)
	f.path = step + f.path
	if f.at == noOffset {
		f.at = at
	}
	return f
}
