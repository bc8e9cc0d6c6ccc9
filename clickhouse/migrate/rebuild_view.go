package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
)

// rebuildBegin is what the ledger knows of a rebuild from the beginning.
type rebuildBegin struct {
	OldSettings map[string]string `json:"old"`
	NewSettings map[string]string `json:"new"`
	Target      string            `json:"target"` // the fingerprint of the new table
}

// rebuildView is how far a rebuild is.
type rebuildView struct {
	table     tableRef // the one that everybody knows
	copy      tableRef // the one into which rows are copied; empty: there is none
	old       tableRef // when the tables have been exchanged: the old one, if it is there
	exchanged bool     // the tables have been exchanged, and the end is left to do
	foreign   bool     // there is somebody else's table of the copy's name
	begin     rebuildBegin
	active    rebuildBegin // of the copy that there is
}

// tableRef is a table by its UUID, with the name that it has for the moment.
type tableRef struct {
	name, uuid, engine string
}

// look finds out how far the rebuild is.
func (b *rebuilder) look(ctx context.Context) (*rebuildView, error) {
	h, err := b.history(ctx)
	if err != nil {
		return nil, err
	}
	s := &rebuildView{table: h.named(b.On.Name)}
	if s.table.uuid == "" {
		return nil, &chconn.Error{Op: b.op(), Class: chconn.ErrSchema, Text: "the table does not exist"}
	}
	s.foreign = h.hasForeign(rebuild.NewName(b.On.Name), s.table.uuid)
	for _, row := range h.rows {
		if row.Event != eventBegin {
			continue
		}
		var detail rebuildBegin
		if err := json.Unmarshal([]byte(row.Detail), &detail); err != nil {
			return nil, fmt.Errorf("%s: the ledger: %w", b.op(), err)
		}
		if row.New == s.table.uuid && h.endIsLeft(s.table) {
			s.exchangedFrom(h.table(row.Old), detail)
			break
		}
		if row.Old == s.table.uuid {
			s.copiedInto(h.table(row.New), detail)
		}
	}
	if s.copy.uuid != "" {
		s.begin = s.active
	}
	return s, nil
}

// exchangedFrom notes that the table has taken the place of an old one, which
// has no name when it is no longer there.
func (s *rebuildView) exchangedFrom(old tableRef, begin rebuildBegin) {
	s.exchanged, s.old, s.begin = true, old, begin
}

// copiedInto notes that a copy of the table has been begun. One without a name
// is no longer there.
func (s *rebuildView) copiedInto(copied tableRef, begin rebuildBegin) {
	if s.begin.OldSettings != nil {
		begin.OldSettings = s.begin.OldSettings // later ones may have seen a rebuild's own
	}
	s.begin = begin
	if copied.name != "" {
		s.copy, s.active = copied, begin
	}
}

// history is what the ledger has of a table's rebuilds, with the tables that
// are there now.
type history struct {
	rows   []ledgerRow // beginnings and ends, oldest first
	tables []tableRef
}

func (b *rebuilder) history(ctx context.Context) (*history, error) {
	rows, err := b.ledgerOf(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := b.tables(ctx, rows)
	return &history{rows: rows, tables: tables}, err
}

// named returns the table of a name, or none.
func (h *history) named(name string) tableRef {
	if i := slices.IndexFunc(h.tables, func(t tableRef) bool { return t.name == name }); i >= 0 {
		return h.tables[i]
	}
	return tableRef{}
}

// table returns the table of a UUID. It has no name when it is not there.
func (h *history) table(uuid string) tableRef {
	if i := slices.IndexFunc(h.tables, func(t tableRef) bool { return t.uuid == uuid }); i >= 0 {
		return h.tables[i]
	}
	return tableRef{uuid: uuid}
}

// endIsLeft reports whether the rebuild that made the table has not come to its
// end. The end may be written down and have been done in part only.
func (h *history) endIsLeft(t tableRef) bool {
	finished := slices.ContainsFunc(h.rows, func(r ledgerRow) bool { return r.New == t.uuid && r.Event == eventDone })
	begun := slices.ContainsFunc(h.rows, func(r ledgerRow) bool { return r.Old == t.uuid })
	return !finished || ddl.HasRebuildSettings(t.engine) && !begun
}

// hasForeign reports whether there is a table of a name that belongs to no
// rebuild and is not the one with the UUID.
func (h *history) hasForeign(name, uuid string) bool {
	t := h.named(name)
	return t.uuid != "" && t.uuid != uuid && !slices.ContainsFunc(h.rows, func(r ledgerRow) bool { return r.Old == t.uuid || r.New == t.uuid })
}

// successors returns the rebuilds that have led from a table to the one of
// today, in their order, each as if its end were left to do. There are none when
// the one of today came from elsewhere.
func (b *rebuilder) successors(ctx context.Context, first string) ([]*rebuildView, error) {
	h, err := b.history(ctx)
	if err != nil {
		return nil, err
	}
	var chain []*rebuildView
	for uuid := h.named(b.On.Name).uuid; uuid != first; {
		before := ""
		for _, row := range h.rows {
			if row.Event == eventBegin && row.New == uuid {
				before = row.Old
			}
		}
		if before == "" || len(chain) > len(h.rows) {
			return nil, nil
		}
		chain = append(chain, &rebuildView{table: h.table(uuid), old: h.table(before), exchanged: true})
		uuid = before
	}
	slices.Reverse(chain)
	return chain, nil
}
