package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"

	"github.com/factload/factload/fact"
)

// passRates is the read model: how the runs are doing, by category. It hears of
// committed events as a publisher, and can be built again from the log, since it
// is made of events alone. It is safe for concurrent use.
type passRates struct {
	mu   sync.Mutex
	runs map[string]*run
}

type run struct {
	model, suite, state string
	categories          map[string]*tally
}

type tally struct{ passed, graded int }

func newPassRates() *passRates { return &passRates{runs: make(map[string]*run)} }

// Publish implements fact.Publisher.
func (p *passRates) Publish(_ context.Context, events []fact.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		if err := p.apply(e); err != nil {
			return fmt.Errorf("event %d of run %q: %w", e.Sequence, e.Stream, err)
		}
	}
	return nil
}

func (p *passRates) apply(e fact.Event) error {
	r := p.runs[e.Stream]
	if r == nil {
		r = &run{categories: make(map[string]*tally)}
		p.runs[e.Stream] = r
	}
	switch e.Type {
	case runStarted{}.EventType():
		var data runStarted
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return err
		}
		r.model, r.suite, r.state = data.Model, data.Suite, "running"
	case caseGraded{}.EventType():
		var data caseGraded
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return err
		}
		r.grade(data)
	case runFinished{}.EventType():
		r.state = "finished"
	}
	return nil
}

func (r *run) grade(c caseGraded) {
	t := r.categories[c.Category]
	if t == nil {
		t = new(tally)
		r.categories[c.Category] = t
	}
	t.graded++
	if c.Passed {
		t.passed++
	}
}

// print writes the read model as a table.
func (p *passRates) print(w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(table, "RUN\tMODEL\tSUITE\tCATEGORY\tPASSED\tRATE\tSTATE"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.runs)) {
		r := p.runs[name]
		for _, category := range slices.Sorted(maps.Keys(r.categories)) {
			t := r.categories[category]
			if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d/%d\t%.0f%%\t%s\n", name, r.model, r.suite, category,
				t.passed, t.graded, 100*float64(t.passed)/float64(t.graded), r.state); err != nil {
				return err
			}
		}
	}
	return table.Flush()
}
