package schemas

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// An Error is one problem in a schema file.
//
// Functions that read schemas report all problems that they find, sorted by line and joined with [errors.Join];
// [errors.As] finds the first one.
type Error struct {
	// Source is the name of the file.
	Source string
	// Line and Column say where in the file the problem is, counted from 1. Column counts characters. Both are 0 when the
	// problem is about the file as a whole, and Column is 0 when only the line is known.
	Line, Column int
	// Problem says what is wrong, and how to fix it where that is not obvious.
	Problem string
}

// Error returns the place and the problem as source:line:column: problem.
func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Source + ": " + e.Problem
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: %s", e.Source, e.Line, e.Problem)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Source, e.Line, e.Column, e.Problem)
}

// A position is a place in a file. The zero position is the file as a whole.
type position struct{ line, column int }

// maxProblems is the number of problems of a file that are shown. More would not be read.
const maxProblems = 50

// problems gathers what is wrong with one file.
type problems struct {
	source string
	found  []*Error
	total  int // also counts those that are not shown
}

// add reports a problem at a position.
func (p *problems) add(at position, format string, args ...any) {
	if p.total++; p.total <= maxProblems {
		p.found = append(p.found, &Error{Source: p.source, Line: at.line, Column: at.column, Problem: fmt.Sprintf(format, args...)})
	}
}

// err returns the problems in the order of the file, or nil when there are none.
func (p *problems) err() error {
	slices.SortStableFunc(p.found, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	joined := make([]error, len(p.found), len(p.found)+1)
	for i, e := range p.found {
		joined[i] = e
	}
	if p.total > maxProblems {
		joined = append(joined, &Error{Source: p.source, Problem: "there are more problems, which are not shown"})
	}
	return errors.Join(joined...)
}
