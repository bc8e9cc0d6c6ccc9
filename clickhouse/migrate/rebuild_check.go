package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// MisfitError says that stored values do not fit the new type of their column,
// so that a table was not rebuilt or changed. It is of class [ErrRejected].
type MisfitError struct {
	// Table and Column are the names.
	Table, Column string
	// From and To are the types.
	From, To string
	// Misfits is how many values do not fit, of how many Rows that were looked
	// at.
	Misfits, Rows uint64
	// Values are some of them, as text that may be cut, and Keys are the sorting
	// keys of their rows.
	Values, Keys []string
}

// Error counts the values and shows some.
func (e *MisfitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "column %q of table %q: %d of %d rows have a value that %s would lose or change", e.Column, e.Table, e.Misfits, e.Rows, e.To)
	if len(e.Values) == 0 {
		fmt.Fprintf(&b, ", since the server converts no %s to it", e.From)
	} else {
		b.WriteString(": ")
	}
	for i, v := range e.Values {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", v)
		if i < len(e.Keys) && e.Keys[i] != "" {
			fmt.Fprintf(&b, " in row %s", e.Keys[i])
		}
	}
	b.WriteString("; the table is as it was: change these rows, or choose a type that holds them")
	return b.String()
}

// Is reports whether target is [ErrRejected].
func (e *MisfitError) Is(target error) bool { return target == chconn.ErrRejected }

type misfits struct {
	Rows    uint64   `ch:"rows"`
	Misfits uint64   `ch:"misfits"`
	Values  []string `ch:"values"`
	Keys    []string `ch:"keys"`
}

// checkAll looks for values in the whole table that do not fit.
func (b *rebuilder) checkAll(ctx context.Context) error {
	for _, c := range b.Copies {
		if c.Checked {
			if err := b.check(ctx, c, b.MisfitSQL(b.On.Name, c, nil)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPieces does the same for pieces that are about to be copied.
func (b *rebuilder) checkPieces(ctx context.Context, s *rebuildView, pieces []rebuild.Piece) error {
	for _, c := range b.Copies {
		if c.Checked {
			if err := b.check(ctx, c, b.MisfitSQL(s.source().name, c, pieces)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *rebuilder) check(ctx context.Context, c rebuild.ColumnCopy, sql string) error {
	var found []misfits
	err := b.m.client.SelectAs(ctx, b.op(), &found, sql)
	if noConversion(err) {
		return b.unconvertible(ctx, c)
	}
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Misfits == 0 {
		return nil
	}
	m := found[0]
	return &MisfitError{Table: b.On.String(), Column: c.Name, From: c.From, To: c.To, Misfits: m.Misfits, Rows: m.Rows, Values: m.Values, Keys: m.Keys}
}

// noConversion reports whether the server knows no way from one type to the
// other, whatever the values.
func noConversion(err error) bool {
	switch chconn.ServerCode(err) {
	case chconn.CodeIllegalType, chconn.CodeTypeMismatch, chconn.CodeCannotConvert, chconn.CodeNotImplemented:
		return true
	}
	return false
}

// unconvertible is check for a column of which no value can be converted.
func (b *rebuilder) unconvertible(ctx context.Context, c rebuild.ColumnCopy) error {
	s, err := b.look(ctx)
	if err != nil {
		return err
	}
	n, err := b.count(ctx, "SELECT toUInt64(sum(rows)) AS n FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}", chconn.Param("table", s.source().name))
	if err != nil || n == 0 {
		return err
	}
	return &MisfitError{Table: b.On.String(), Column: c.Name, From: c.From, To: c.To, Misfits: n, Rows: n}
}

// rebuildState finds out how a table stands to a rebuild: how far one is that
// has begun, and what is in the way of one.
func (m *Migrator) rebuildState(ctx context.Context, have *ddl.Table) (*ddl.RebuildState, error) {
	on := ddl.TableName{Database: have.Database, Name: have.Name}
	b := &rebuilder{m: m, Rebuild: &rebuild.Rebuild{On: on}}
	s, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	state := &ddl.RebuildState{Settings: have.Rebuild != nil && have.Rebuild.Settings, Exchanged: s.exchanged, Other: s.copy.name}
	if s.exchanged {
		state.Other = s.old.name
	}
	state.Obstacles, err = b.obstacles(ctx)
	return state, err
}

// obstacles returns what is in the way of a rebuild that only the server knows.
func (b *rebuilder) obstacles(ctx context.Context) ([]string, error) {
	var rows []struct {
		Engine   string `ch:"engine"`
		Create   string `ch:"create_table_query"`
		Sampling string `ch:"sampling_key"`
		Patches  uint64 `ch:"patches"`
	}
	err := b.m.client.SelectAs(ctx, b.op(), &rows, "SELECT d.engine AS engine, t.create_table_query AS create_table_query, t.sampling_key AS sampling_key,\n"+
		"(SELECT count() FROM system.parts WHERE active AND database = {database:String} AND table = {table:String} AND startsWith(name, 'patch-')) AS patches\n"+
		"FROM system.tables AS t INNER JOIN system.databases AS d ON d.name = t.database\n"+
		"WHERE t.database = {database:String} AND t.name = {table:String}", chconn.Param("database", b.On.Database), chconn.Param("table", b.On.Name))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var out []string
	row := rows[0]
	if row.Engine != "Atomic" {
		out = append(out, fmt.Sprintf("tables of a database of engine %s cannot change places", row.Engine))
	}
	if row.Sampling != "" {
		out = append(out, "it has a sampling key, which the schema knows nothing of")
	}
	if row.Patches > 0 {
		out = append(out, "it has lightweight updates that are not merged yet: wait, or run OPTIMIZE TABLE … FINAL")
	}
	extra, err := ddl.Unmodelled(row.Create)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.op(), err)
	}
	for _, what := range extra {
		out = append(out, "it has the "+what+", which the schema knows nothing of")
	}
	return out, nil
}
