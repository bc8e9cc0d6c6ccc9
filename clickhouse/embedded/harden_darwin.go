//go:build amd64 || arm64

package embedded

import "errors"

// harden is not written for this platform's libraries.
func harden(string, uintptr) error { return errors.New("not supported on this platform") }
