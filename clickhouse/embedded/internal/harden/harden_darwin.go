//go:build amd64 || arm64

// Package harden changes a loaded libchdb so that a client whose login fails does not end the engine.
package harden

import "errors"

// Library is not written for this platform's libraries.
func Library(string, string, uintptr) error { return errors.New("not supported on this platform") }
