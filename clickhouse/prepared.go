package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/fact"
)

// prepared is facts that have been checked and encoded.
type prepared struct {
	m     *Materializer
	parts []part // by name of the table

	room *groupcommit.Room
	held int // bytes of it, as long as no writer has taken them over
}

// part is the rows of one table.
type part struct {
	entry   *schemaEntry
	block   *block.Block // nil once it has become somebody else's
	ids     groupcommit.TokenMaker
	id      []byte // of the fact at hand
	token   string
	keptIDs []string // of the facts, if failures are reported by them
}

var _ fact.Prepared = (*prepared)(nil)

// maxFactErrors is how many bad facts of one call are reported.
const maxFactErrors = 10

// admitAndPrepare waits until there is room for the facts, and encodes them.
func (m *Materializer) admitAndPrepare(ctx context.Context, facts []fact.Fact) (*prepared, error) {
	ctx, leave, err := m.Admit(ctx, facts...)
	if err != nil {
		return nil, err
	}
	defer leave()
	return m.prepare(ctx, facts)
}

// prepare encodes the facts. All of them are looked at, so that one error
// tells all that is wrong.
func (m *Materializer) prepare(ctx context.Context, facts []fact.Fact) (*prepared, error) {
	parts := make(map[string]*part)
	var failures []error
	for i := range facts {
		if err := m.prepareOne(parts, &facts[i], len(facts)); err != nil {
			failures = append(failures, factError(i, &facts[i], err))
		}
	}
	p := &prepared{m: m}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p.parts = append(p.parts, *parts[name])
	}
	if len(failures) > 0 {
		p.Discard()
		return nil, joinFactErrors(failures)
	}
	for i := range p.parts {
		part := &p.parts[i]
		part.token = part.ids.Token(part.entry.table.Name, part.block)
		part.ids, part.id = groupcommit.TokenMaker{}, nil
	}
	p.hold(ctx, facts)
	return p, nil
}

func (m *Materializer) prepareOne(parts map[string]*part, f *fact.Fact, facts int) error {
	of := parts[f.Schema]
	if of == nil {
		entry, err := m.entry(f.Schema)
		if err != nil {
			return err
		}
		of = &part{entry: entry, block: entry.writer.TakeBlock(facts)}
		parts[f.Schema] = of
	}
	if err := of.block.Append(f); err != nil {
		return err
	}
	if of.entry.factIDs { // which the fact may have in its data alone
		of.id = of.block.AppendFactID(of.id[:0], of.block.Rows()-1)
	} else {
		of.id = append(of.id[:0], f.ID...)
	}
	of.ids.Add(of.id)
	if m.keepIDs {
		of.keptIDs = append(of.keptIDs, string(of.id))
	}
	return nil
}

// Materialize stores the rows, table by table, and returns when all of them
// are stored.
func (p *prepared) Materialize(ctx context.Context) error {
	ctx, done, err := p.m.calls.enter(ctx)
	if err != nil {
		p.Discard()
		return err
	}
	defer done()
	_, err = p.write(ctx, false)
	return err
}

// write stores the rows, table by table. It returns how many rows a careful
// write has added.
func (p *prepared) write(ctx context.Context, careful bool) (stored int, err error) {
	defer p.Discard()
	ids := p.idsOfSeveral()
	for i := range p.parts {
		part := &p.parts[i]
		rows := groupcommit.Part{Block: part.block, Token: part.token, IDs: part.keptIDs}
		part.block = nil // the writer gives it back as soon as it can
		if p.room == part.entry.writer.Room() {
			rows.Taken, p.held = p.held, 0
		}
		n, err := part.entry.writer.Write(ctx, &rows, careful)
		if err != nil {
			// The call may be repeated as a whole, and what is stored already
			// was perhaps stored together with other calls.
			for j := range ids[:min(i, len(ids))] {
				p.parts[j].entry.writer.DoubtIDs(ids[j])
			}
			return stored, p.failed(i, err)
		}
		stored += n
	}
	return stored, nil
}

// idsOfSeveral returns the fact IDs of each table, when there are several. Once
// rows are written they belong to others.
func (p *prepared) idsOfSeveral() [][]string {
	if len(p.parts) < 2 {
		return nil
	}
	ids := make([][]string, len(p.parts))
	for i, part := range p.parts {
		if part.entry.factIDs {
			ids[i] = groupcommit.FactIDs(part.block)
		}
	}
	return ids
}

// Discard gives the blocks back, and the room.
func (p *prepared) Discard() {
	for _, part := range p.parts {
		part.entry.writer.GiveBlock(part.block)
	}
	p.parts = nil
	if p.held > 0 {
		p.room.Release(p.held)
		p.held = 0
	}
}

// failed makes the error for the i-th table.
func (p *prepared) failed(i int, err error) error {
	if i == 0 {
		return err
	}
	e := &PartialInsertError{Failed: p.parts[i].entry.table.Name, Err: err}
	for j, part := range p.parts {
		switch name := part.entry.table.Name; {
		case j < i:
			e.Stored = append(e.Stored, name)
		case j > i:
			e.Untried = append(e.Untried, name)
		}
	}
	return e
}

func joinFactErrors(failures []error) error {
	if len(failures) == 1 {
		return failures[0]
	}
	if more := len(failures) - maxFactErrors; more > 0 {
		failures = append(failures[:maxFactErrors:maxFactErrors], fmt.Errorf("and %d more facts", more))
	}
	return errors.Join(failures...)
}

// PartialInsertError says that a call with facts of several schemas was stored in
// part. Repeating the call with the same facts stores the rest; see
// [Materializer.Materialize].
type PartialInsertError struct {
	// Stored are the tables that have all of their rows.
	Stored []string
	// Failed is the table whose insert failed. Whether its rows are stored is
	// what the class of Err says.
	Failed string
	// Untried are the tables that nothing was sent to.
	Untried []string
	// Err says why.
	Err error
}

// Error says which tables were written and what failed.
func (e *PartialInsertError) Error() string {
	text := fmt.Sprintf("%v; stored before: %s", e.Err, strings.Join(e.Stored, ", "))
	if len(e.Untried) > 0 {
		text += "; not tried: " + strings.Join(e.Untried, ", ")
	}
	return text
}

// Unwrap returns Err.
func (e *PartialInsertError) Unwrap() error { return e.Err }
