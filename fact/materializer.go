package fact

import "context"

// Materializer turns facts into rows of tables.
// It is safe for concurrent use.
type Materializer interface {
	// EnsureSchema makes the schemas known and their tables ready. It may be
	// called again, with the same or with further schemas.
	EnsureSchema(ctx context.Context, schemas ...Schema) error
	// Materialize stores the facts as rows and returns when the database has
	// acknowledged them; what that survives is the database's to say, which may
	// not be a power failure. It checks all of them first: when one is refused, the error is or wraps a
	// [*FactError] that says which, and none is stored. No facts: nil. It
	// neither keeps nor changes the facts' maps and structs. A fact has its
	// values in Data or in Value; Fact.Map returns them as a map in any case, and
	// an [Encoder] as JSON.
	Materialize(ctx context.Context, facts ...Fact) error
}

// Admitter is what a Materializer may implement to bound what calls hold in memory
// while they wait for their turn: Record asks it before it encodes the facts.
type Admitter interface {
	// Admit waits until there is room for the rows of the facts, whose values it does
	// not look at, or until ctx ends. The facts are then encoded and given to Prepare
	// with the context that is returned, and leave is called after that, or instead.
	Admit(ctx context.Context, facts ...Fact) (admitted context.Context, leave func(), err error)
}

// Preparer is what a Materializer may implement to separate checking from
// storing, so that a bad fact is refused before it reaches the log.
type Preparer interface {
	// Prepare checks and encodes the facts. It stores nothing and keeps nothing
	// of the facts' maps, structs and JSON. On an error there is nothing to
	// discard. Facts that come from Record have in Value, as a json.RawMessage,
	// what the log is about to keep, so that rows are made from that; Fact.Map
	// returns it as a map.
	Prepare(ctx context.Context, facts ...Fact) (Prepared, error)
}

// Prepared is facts that have been checked and encoded. Exactly one of its
// methods is called, exactly once.
type Prepared interface {
	// Materialize stores the rows and returns when the database has acknowledged
	// them.
	Materialize(ctx context.Context) error
	// Discard gives up the rows and what they hold.
	Discard()
}
