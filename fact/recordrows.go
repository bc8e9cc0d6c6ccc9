package fact

import (
	"context"
)

// rows is the facts on their way to the materializer.
type rows struct {
	materializer Materializer // nil: there is nothing to do
	facts        []Fact
	prepared     Prepared // nil when the materializer is not a Preparer
	used         bool
}

func (p *Pipeline) prepare(ctx context.Context, facts []Fact, events []Event) (*rows, error) {
	r := &rows{materializer: p.materializer, facts: facts}
	preparer, ok := p.materializer.(Preparer)
	if !ok {
		return r, nil
	}
	for i := range facts { // which are copies
		facts[i].Data, facts[i].Value = nil, events[i].Data
	}
	var err error
	r.prepared, err = preparer.Prepare(ctx, facts...)
	return r, err
}

func (r *rows) materialize(ctx context.Context) error {
	r.used = true
	switch {
	case r.prepared != nil:
		return r.prepared.Materialize(ctx)
	case r.materializer != nil:
		return r.materializer.Materialize(ctx, r.facts...)
	}
	return nil
}

// discard gives up the rows unless they have been used.
func (r *rows) discard() {
	if !r.used && r.prepared != nil {
		r.used = true
		r.prepared.Discard()
	}
}
