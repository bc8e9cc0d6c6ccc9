package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/factload/factload/fact"
)

// referee is a projector: it runs inside Append, before anything is stored. It
// refuses cases that a run does not expect, and closes a run in the same unit
// of work as its last case.
type referee struct {
	store fact.EventStore
}

// Handle implements fact.Projector.
func (r *referee) Handle(ctx context.Context, e fact.Event) error {
	if e.Type != (caseGraded{}).EventType() {
		return nil
	}
	// With the projector's ctx, Load shows what the unit of work has so far,
	// the events that are being appended included.
	events, err := r.store.Load(ctx, e.Stream)
	if err != nil {
		return err
	}
	planned, graded, passed, err := count(events[:e.Sequence])
	if err != nil {
		return err
	}
	if graded > planned {
		return fmt.Errorf("run %q has %d cases, this would be number %d", e.Stream, planned, graded)
	}
	if graded < planned {
		return nil
	}
	closing, err := fact.NewEvent(e.Stream, runFinished{Passed: passed, Cases: planned})
	if err != nil {
		return err
	}
	return r.store.Append(ctx, e.Stream, []fact.Event{closing})
}

// count returns how many cases the events plan, and how many were graded and
// passed.
func count(events []fact.Event) (planned, graded, passed int, err error) {
	for _, e := range events {
		switch e.Type {
		case runStarted{}.EventType():
			var data runStarted
			if err := json.Unmarshal(e.Data, &data); err != nil {
				return 0, 0, 0, err
			}
			planned = data.Cases
		case caseGraded{}.EventType():
			var data caseGraded
			if err := json.Unmarshal(e.Data, &data); err != nil {
				return 0, 0, 0, err
			}
			graded++
			if data.Passed {
				passed++
			}
		}
	}
	return planned, graded, passed, nil
}
