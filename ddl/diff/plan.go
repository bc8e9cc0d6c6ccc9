package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// Statement is one step of a [Plan].
type Statement struct {
	// SQL is the statement, without a semicolon at its end. It is empty when no
	// single statement can make the change; such a step can never be run.
	SQL string
	// Hazard is what running it may cost.
	Hazard ddl.Hazard
	// Why says what differs and what the statement does about it.
	Why string
	// Optional says that the plan reaches its end without the statement. It is
	// run when its hazard is permitted, and left out otherwise.
	Optional bool
	// View is the materialized view that the statement creates or gives another
	// query. Nil means that it does neither.
	View *ddl.View
	// Check is a rebuild whose values have to fit before the statement is run. Nothing else
	// of it is done. Nil means that there is nothing to look at.
	Check *rebuild.Rebuild
	// Columns are the columns that are rewritten or deleted. None, with a hazard
	// above MetadataOnly, means all of them.
	Columns []string
	// Rebuild is set when the step makes the table anew. SQL is then the outline
	// of it, as a person would do it by hand while nobody inserts;
	// Rebuild has the rest.
	Rebuild *rebuild.Rebuild
}

// Plan is what has to be done to one table, in order.
type Plan struct {
	// Table is the name of the table, for messages.
	Table string
	// Statements are the steps. They are run one after the other.
	Statements []Statement
	// Notes are differences about which nothing is done.
	Notes []string
	// Fingerprint is that of the table that the plan was made for, and [ddl.Absent]
	// when there was none. It is empty when the plan does not know.
	Fingerprint string
	// Storage is what was stored in the table. Nil means that nobody asked.
	Storage *ddl.Storage

	want    ddl.Table
	options []Option
	extras  int // what the table has and the schema lacks
}

// Drift reports whether the table differs from its schema in any way: there is
// something to do, or it has columns or other things that the schema lacks.
func (p Plan) Drift() bool { return !p.Empty() || p.extras > 0 }

// Compare compares the table that the plan leads to with another state of the
// one that exists. It is of no use for a plan that was not made by [MakePlan].
func (p Plan) Compare(have *ddl.Table) Comparison { return Compare(p.want, have, p.options...) }

// TableName returns which table the plan is about. It is empty for a plan that
// was not made by [MakePlan].
func (p Plan) TableName() ddl.TableName { return p.want.TableName() }

// ViewNames returns the names of the materialized views that the plan is to
// make. It is empty for a plan that was not made by [MakePlan].
func (p Plan) ViewNames() []string { return p.want.ViewNames() }

// Permitted reports whether a statement may be run: it has SQL, and its hazard
// is [ddl.MetadataOnly] or one of those allowed.
func (s Statement) Permitted(allowed ...ddl.Hazard) bool {
	return s.SQL != "" && (s.Hazard == ddl.MetadataOnly || slices.Contains(allowed, s.Hazard))
}

// Unawaited returns the SQL without a clause that makes the server answer only
// when everything is done, for callers that look at system.mutations.
func (s Statement) Unawaited() string { return strings.TrimSuffix(s.SQL, awaited) }

// Empty reports whether there is nothing to do. Notes do not count.
func (p Plan) Empty() bool { return len(p.Statements) == 0 }

// Check returns nil when every statement of the plan may be run, and a
// [*RefusedError] otherwise. [ddl.MetadataOnly] is always permitted, every other
// hazard only when it is among allowed. A step without SQL is refused always.
// Optional statements are never a reason to refuse.
// When the plan is refused, none of its statements should be run.
func (p Plan) Check(allowed ...ddl.Hazard) error {
	var refused []Statement
	for _, s := range p.Statements {
		if s.Optional || s.Permitted(allowed...) {
			continue
		}
		refused = append(refused, s)
	}
	if len(refused) == 0 {
		return nil
	}
	return &RefusedError{Table: p.Table, Refused: refused, Total: len(p.Statements)}
}

// RefusedError says which statements of a plan are not permitted, and why.
type RefusedError struct {
	// Table is the name of the table.
	Table string
	// Refused are the statements that are not permitted, in the plan's order.
	Refused []Statement
	// Total is the number of statements in the plan. None of them was run.
	Total int
}

// Error lists the refused statements, one a line, with their hazard, their
// reason and what would permit them.
func (e *RefusedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %q: %d of %d changes not permitted, nothing was changed", e.Table, len(e.Refused), e.Total)
	for _, s := range e.Refused {
		fmt.Fprintf(&b, "\n  %s: %s", s.Hazard, s.Why)
		if s.SQL == "" {
			b.WriteString("\n    no statement does this in place, and the table cannot be rebuilt")
			continue
		}
		sql := s.SQL
		if s.Rebuild != nil {
			sql = strings.ReplaceAll(sql, "\n", "\n    ")
		}
		fmt.Fprintf(&b, "\n    %s", sql)
	}
	if names := e.Permissions(); len(names) > 0 {
		list, flags := make([]string, len(names)), ""
		for i, h := range names {
			list[i] = h.String()
			flags += " --allow " + h.String()
		}
		fmt.Fprintf(&b, "\n  to go on, permit %s (factload apply%s, or Config.Allow in a service), or run the statements by hand", strings.Join(list, " and "), flags)
	}
	return b.String()
}

// Permissions returns the hazards that would have to be permitted for the
// refused statements that can be run at all.
func (e *RefusedError) Permissions() []ddl.Hazard {
	var out []ddl.Hazard
	for _, s := range e.Refused {
		if s.SQL != "" && !slices.Contains(out, s.Hazard) {
			out = append(out, s.Hazard)
		}
	}
	slices.Sort(out)
	return out
}

// Touched returns how much the statement reads or writes of what is stored:
// nothing when it is about metadata, else the columns that it names, or the whole
// table. It is an upper bound where the sizes of columns are not known.
func (s Statement) Touched(stored *ddl.Storage) (rows, bytes uint64) {
	if stored == nil || s.Hazard <= ddl.DropsMetadata {
		return 0, 0
	}
	for _, name := range s.Columns {
		if stored.Columns[name].Bytes == 0 {
			return stored.Rows, stored.Bytes
		}
		bytes += stored.Columns[name].Bytes
	}
	if len(s.Columns) == 0 {
		bytes = stored.Bytes
	}
	return stored.Rows, bytes
}
