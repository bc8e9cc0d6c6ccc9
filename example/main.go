// The example shows event sourcing with package fact alone. Evaluation runs are
// recorded as events. A projector guards each run and adds an event of its own
// to the append that completes it. A read model of pass rates hears of what was
// committed, and is then built again from the log.
//
//	go run ./example
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/factload/factload/fact"
)

func main() {
	if err := show(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// show runs the example and writes what happens.
func show(ctx context.Context, w io.Writer) error {
	rates := newPassRates()
	judge := new(referee)
	store := fact.NewMemoryStore(fact.WithProjector(judge), fact.WithPublisher(rates))
	judge.store = store

	if err := evaluate(ctx, store); err != nil {
		return err
	}
	// One case too many: the append is refused as a whole.
	refused := record(ctx, store, "run-1",
		caseGraded{Case: "code-3", Category: "code", Passed: true})
	if _, err := fmt.Fprintf(w, "refused: %v\n\n", refused); err != nil {
		return err
	}
	// Publishing is done in the background; Close waits for it.
	if err := store.Close(ctx); err != nil {
		return err
	}
	if err := rates.print(w); err != nil {
		return err
	}
	if err := printLog(ctx, w, store, "run-1"); err != nil {
		return err
	}
	return rebuild(ctx, w, store, rates)
}

// evaluate records one run that finishes and one that is still going on.
func evaluate(ctx context.Context, store fact.EventStore) error {
	if err := record(ctx, store, "run-1",
		runStarted{Model: "m-large", Suite: "nightly", Cases: 4},
		caseGraded{Case: "math-1", Category: "math", Passed: true},
		caseGraded{Case: "math-2", Category: "math", Passed: false},
	); err != nil {
		return err
	}
	if err := record(ctx, store, "run-2",
		runStarted{Model: "m-small", Suite: "nightly", Cases: 4},
		caseGraded{Case: "math-1", Category: "math", Passed: false},
	); err != nil {
		return err
	}
	return record(ctx, store, "run-1",
		caseGraded{Case: "code-1", Category: "code", Passed: true},
		caseGraded{Case: "code-2", Category: "code", Passed: true},
	)
}

// record appends events to a run, all or none.
func record(ctx context.Context, store fact.EventStore, run string, data ...fact.EventTyper) error {
	events := make([]fact.Event, len(data))
	for i, d := range data {
		e, err := fact.NewEvent(run, d)
		if err != nil {
			return err
		}
		events[i] = e
	}
	return store.Append(ctx, run, events)
}

// printLog writes the events of a run.
func printLog(ctx context.Context, w io.Writer, store fact.EventStore, run string) error {
	events, err := store.Load(ctx, run)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\nthe log of %s:\n", run); err != nil {
		return err
	}
	for _, e := range events {
		if _, err := fmt.Fprintf(w, "%d  %-12s  %s\n", e.Sequence, e.Type, e.Data); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes the read model again from the log and compares it with the one
// that was kept up to date.
func rebuild(ctx context.Context, w io.Writer, store fact.EventStore, kept *passRates) error {
	rebuilt := newPassRates()
	for _, run := range []string{"run-1", "run-2"} {
		events, err := store.Load(ctx, run)
		if err != nil {
			return err
		}
		if err := rebuilt.Publish(ctx, events); err != nil {
			return err
		}
	}
	var before, after strings.Builder
	if err := kept.print(&before); err != nil {
		return err
	}
	if err := rebuilt.print(&after); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nrebuilt from the log, the read model is the same: %t\n", before.String() == after.String())
	return err
}
