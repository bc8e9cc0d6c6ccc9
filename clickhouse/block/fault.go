package block

import "errors"

// noOffset marks a fault whose position is not known (yet).
const noOffset = -1

// fault is what a column or the scanner has to say about a value. The block
// adds the name of the field to make a FieldError of it. Faults are made for
// refused rows only, so they may allocate.
type fault struct {
	kind  error  // one of the sentinels
	cause error  // of the caller's own, or nil
	text  string // reads on after the value: "is a string, want an integer"
	hint  string
	path  string // below the field
	value string // cut; empty: the block shows the raw value at offset at
	at    int    // offset into the text being scanned, or noOffset
	bare  bool   // no value is shown: text says everything
}

// is reports whether the fault is of the given kind.
func (f *fault) is(kind error) bool { return errors.Is(f.kind, kind) }

// Error returns the text alone.
func (f *fault) Error() string { return f.text }

// Unwrap returns the kind and the cause.
func (f *fault) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// newFault returns a fault about the value being appended.
func newFault(kind error, text, hint string) *fault {
	return &fault{kind: kind, text: text, hint: hint, at: noOffset}
}

// asFault returns err as a fault, which every error below the block is.
func asFault(err error) *fault {
	var f *fault
	if !errors.As(err, &f) {
		panic("block: an error that is no fault: " + err.Error())
	}
	return f
}

// within puts a step in front of the path of err: an index or a key.
func within(err error, step string, at int) error {
	f := asFault(err)
	f.path = step + f.path
	if f.at == noOffset {
		f.at = at
	}
	return f
}
