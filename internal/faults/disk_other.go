//go:build !linux

package faults

import (
	"errors"
	"testing"
)

func mount(testing.TB, string) error { return errors.ErrUnsupported }

func (e *Engine) diskFaults() []Fault { return nil }

func (e *Engine) fullDisk() []Fault { return nil }
