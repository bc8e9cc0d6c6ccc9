package clickhouse

import (
	"context"
	"fmt"

	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/fact"
)

// admission is the turn of a call to encode its facts.
type admission struct {
	m    *Materializer
	room *groupcommit.Room
	open bool // nothing has been encoded yet
}

// admissionKey is the key of an admission in a context.
type admissionKey struct{}

// Admit waits until there is room for the rows of the facts: as long as the rows
// that were accepted for their table, and have not been answered, take
// [Config.MaxPendingBytes]. Calls with facts of several schemas have a bound of
// their own, of the same size, so that they do not tie their tables together. Only
// some calls for each table, as many as there are processors and at least four,
// are admitted at once. Materialize does all this by itself.
func (m *Materializer) Admit(ctx context.Context, facts ...fact.Fact) (admitted context.Context, leave func(), err error) {
	room := m.roomOf(facts)
	if room == nil {
		return ctx, func() {}, nil
	}
	err = room.Enter(ctx, m.inserts)
	if err == nil && ctx.Err() != nil {
		room.Leave()
		err = context.Cause(ctx)
	}
	if err != nil {
		return ctx, nil, groupcommit.NotSent(ctx, fmt.Sprintf("materialize facts of %q", facts[0].Schema), err)
	}
	a := &admission{m: m, room: room, open: true}
	return context.WithValue(ctx, admissionKey{}, a), a.leave, nil
}

func (a *admission) leave() {
	if a.open {
		a.open = false
		a.room.Leave()
	}
}

// roomOf returns what bounds the rows of the facts, or nil if their schema is not
// known.
func (m *Materializer) roomOf(facts []fact.Fact) *groupcommit.Room {
	for i := range facts {
		if facts[i].Schema != facts[0].Schema {
			return m.several
		}
	}
	if len(facts) == 0 {
		return nil
	}
	entry, err := m.entry(facts[0].Schema)
	if err != nil {
		return nil
	}
	return entry.writer.Room()
}

// hold takes room for the rows of the facts, in the turn that ctx has.
func (p *prepared) hold(ctx context.Context, facts []fact.Fact) {
	p.room = p.m.roomOf(facts)
	if p.room == nil {
		return
	}
	for i := range p.parts {
		p.held += groupcommit.CallBytes(p.parts[i].block)
	}
	if a, ok := ctx.Value(admissionKey{}).(*admission); ok && a.open && a.m == p.m {
		a.open = false
		a.room.Encoded(p.held)
		return
	}
	p.room.Take(p.held) // nobody has asked for room
}
