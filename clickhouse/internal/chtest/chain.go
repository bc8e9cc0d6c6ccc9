package chtest

// Chain returns every error that err wraps.
func Chain(err error) map[error]bool {
	out := map[error]bool{}
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		switch e := err.(type) { //nolint:errorlint // it is the chain that is walked
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		}
		out[err] = true
	}
	walk(err)
	return out
}
