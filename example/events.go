package main

// The events of an evaluation run. A stream holds one run.

// runStarted opens a run.
type runStarted struct {
	Model string `json:"model"`
	Suite string `json:"suite"`
	Cases int    `json:"cases"`
}

// EventType implements fact.EventTyper.
func (runStarted) EventType() string { return "run.started" }

// caseGraded is the result of one test case.
type caseGraded struct {
	Case     string `json:"case"`
	Category string `json:"category"`
	Passed   bool   `json:"passed"`
}

// EventType implements fact.EventTyper.
func (caseGraded) EventType() string { return "case.graded" }

// runFinished closes a run. Nobody sends it: the projector appends it with the
// last case.
type runFinished struct {
	Passed int `json:"passed"`
	Cases  int `json:"cases"`
}

// EventType implements fact.EventTyper.
func (runFinished) EventType() string { return "run.finished" }
