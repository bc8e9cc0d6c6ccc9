package ddl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rebuilds reports whether the plan makes a table anew, or ends that.
func (p Plan) Rebuilds() bool {
	return slices.ContainsFunc(p.Statements, func(s Statement) bool { return s.Rebuild != nil })
}

// planRebuild puts a rebuild in the place of every statement that it makes
// unnecessary. Those that delete something stay, behind it, under their own
// hazard. Where the table cannot be rebuilt, it says why.
func (p *Plan) planRebuild(want Table, have *Table, changes []Change) {
	if !slices.ContainsFunc(changes, needsRebuild) {
		return
	}
	if obstacles := rebuildObstacles(want, *have); len(obstacles) > 0 {
		for i, s := range p.Statements {
			if s.Hazard == NeedsRebuild && s.View == nil {
				p.Statements[i].Why += "; it cannot be rebuilt, since " + strings.Join(obstacles, ", and ")
			}
		}
		return
	}
	if slices.Contains(p.options, Prune) {
		changes = dropKept(changes)
	}
	why, later := absorb(changes)
	r := newRebuild(want, *have, changes, later)
	r.Reasons = why
	rest := NewPlan(later)
	p.Statements = append([]Statement{{SQL: strings.Join(r.Outline(), ";\n"), Hazard: NeedsRebuild, Why: strings.Join(why, "; "), Rebuild: r}}, rest.Statements...)
	p.Notes, p.extras = notesOf(changes)
}

// planFinish puts the end of a rebuild that was interrupted before everything
// else.
func (p *Plan) planFinish(on TableName, state *RebuildState) {
	r := &Rebuild{On: on, Finish: true}
	p.Statements = append([]Statement{{
		SQL: r.finishSQL(state.Other), Hazard: MetadataOnly, Rebuild: r,
		Why: "finish the rebuild: the tables have changed places, and the old one has to be put away",
	}}, p.Statements...)
}

func withoutRebuildSettings(changes []Change) []Change {
	return slices.DeleteFunc(changes, func(c Change) bool {
		setting, ok := c.(ModifySetting)
		return ok && (copySettings[setting.Name] != "" || frozenSettings[setting.Name] != "")
	})
}

// abandonedNote says how to give up a rebuild that has begun and that the
// schema does not ask for any more.
func abandonedNote(on TableName, state *RebuildState) string {
	reset := alterSQL(on, []string{"RESET SETTING " + strings.Join(rebuildSettingNames(), ", ")})
	text := "a rebuild of the table was begun with another schema and is not finished; its parts are not merged meanwhile. To give it up: "
	if state.Other != "" {
		text += "DROP TABLE " + tableSQL(TableName{Database: on.Database, Name: state.Other}) + "; "
	}
	return text + reset
}

func rebuildSettingNames() []string {
	names := slices.Collect(maps.Keys(frozenSettings))
	names = slices.AppendSeq(names, maps.Keys(fenceSetting))
	slices.Sort(names)
	return names
}

// absorb tells the changes that a rebuild makes by the way, by their reasons,
// from those that delete something or are about views.
func absorb(changes []Change) (why []string, later []Change) {
	var small []string
	for _, c := range changes {
		worst := MetadataOnly
		one := NewPlan([]Change{c})
		for _, s := range one.Statements {
			worst = max(worst, s.Hazard)
		}
		switch {
		case one.Empty():
		case isView(c):
			later = append(later, c)
		case worst == NeedsRebuild:
			why = append(why, one.Statements[0].Why)
		case worst == DeletesData:
			later = append(later, c)
		default:
			small = append(small, c.String())
		}
	}
	return append(why, small...), later
}

// needsRebuild reports whether a change of the table itself takes a rebuild. One
// that is about a view may be impossible as well, yet a rebuild does not help.
func needsRebuild(c Change) bool {
	return !isView(c) && slices.ContainsFunc(NewPlan([]Change{c}).Statements, func(s Statement) bool { return s.Hazard == NeedsRebuild })
}

// isView reports whether a change is about a materialized view, which a rebuild
// leaves alone.
func isView(c Change) bool {
	switch c.(type) {
	case CreateView, ModifyView, ReplaceView, DropView:
		return true
	}
	return false
}

// dropKept turns notes of columns that are kept for the old key's sake into
// their removal, which is possible once there is another key.
func dropKept(changes []Change) []Change {
	out := slices.Clone(changes)
	for i, c := range out {
		if kept, ok := c.(KeepColumn); ok {
			out[i] = DropColumn(kept)
		}
	}
	return out
}

func notesOf(changes []Change) (notes []string, extras int) {
	p := NewPlan(slices.DeleteFunc(slices.Clone(changes), func(c Change) bool {
		switch c.(type) {
		case KeepColumn, KeepIndex, KeepProjection, KeepView, Unverified:
			return false
		}
		return true
	}))
	return p.Notes, p.extras
}

func newRebuild(want, have Table, changes, later []Change) *Rebuild {
	on := want.TableName()
	if on.Database == "" {
		on.Database = have.Database
	}
	return CopyOf(on, have, rebuildTarget(want, have, changes, later))
}

// CopyOf returns a rebuild that makes the table To of the table From.
func CopyOf(on TableName, from, to Table) *Rebuild {
	from.Storage, from.Rebuild, from.Views = nil, nil, nil
	r := &Rebuild{On: on, From: from, To: to}
	have := from
	for _, c := range r.To.Columns {
		if old, ok := have.Column(c.Name); ok && copied(old.Kind, c.Kind) {
			from, to := canonicalType(old.Type), canonicalType(c.Type)
			r.Copies = append(r.Copies, ColumnCopy{
				Name: c.Name, From: from, To: to,
				Checked: from != to && !metadataConversion(from, to) && !losslessConversion(from, to),
			})
		}
	}
	return r
}

// copied reports whether the values of a column of one kind go into one of the
// other. Values that are computed once and stored are copied too: computing
// them again might not give the same.
func copied(from, to ColumnKind) bool {
	return from != Ephemeral && (to == Ordinary || to == Materialized)
}

// rebuildTarget returns the table that is wanted, with all that the present one
// has and that a rebuild does not take away.
func rebuildTarget(want, have Table, changes, later []Change) Table {
	t := want
	t.Database, t.Storage, t.Rebuild, t.Views = have.Database, nil, nil, nil
	t.Columns, t.Indexes = slices.Clone(want.Columns), slices.Clone(want.Indexes)
	for _, c := range have.Columns {
		if _, ok := want.Column(c.Name); !ok {
			t.Columns = append(t.Columns, c)
		}
	}
	t.Projections = slices.Clone(want.Projections)
	for _, change := range changes {
		switch c := change.(type) {
		case KeepIndex:
			t.Indexes = append(t.Indexes, c.Index)
		case KeepProjection:
			t.Projections = append(t.Projections, c.Projection)
		case Unverified:
			t.keepUnverified(have, c.What)
		}
	}
	for _, change := range later {
		switch c := change.(type) {
		case ModifyTable:
			t.TTL = have.TTL
		case ModifyColumn:
			t.keepColumn(have, c.Column, func(to *Column, from Column) { to.TTL = from.TTL })
		}
	}
	return t
}

// keepUnverified keeps what may be the same as what is wanted in other words.
func (t *Table) keepUnverified(have Table, what string) {
	switch what {
	case unverifiedPartitionKey:
		t.PartitionBy = have.PartitionBy
	case unverifiedTTL:
		t.TTL = have.TTL
	}
	for _, c := range have.Columns {
		switch what {
		case unverifiedOf(DefaultProperty, c.Name):
			t.keepColumn(have, c.Name, func(to *Column, from Column) { to.Default = from.Default })
		case unverifiedOf(TTLProperty, c.Name):
			t.keepColumn(have, c.Name, func(to *Column, from Column) { to.TTL = from.TTL })
		}
	}
	for _, x := range have.Indexes {
		if i := t.index(x.Name); i >= 0 && what == unverifiedIndex(x.Name) {
			t.Indexes[i] = x
		}
	}
	for _, x := range have.Projections {
		if i := t.projection(x.Name); i >= 0 && what == unverifiedProjection(x.Name) {
			t.Projections[i] = x
		}
	}
}

func (t *Table) keepColumn(have Table, name string, keep func(to *Column, from Column)) {
	from, ok := have.Column(name)
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if ok && i >= 0 {
		keep(&t.Columns[i], from)
	}
}

// rebuildObstacles says why a table cannot be rebuilt.
func rebuildObstacles(want, have Table) []string {
	var out []string
	from, errFrom := parseEngine(have.Engine)
	to, errTo := parseEngine(want.Engine)
	switch {
	case errFrom != nil || errTo != nil:
		out = append(out, fmt.Sprintf("%s is no engine of the MergeTree family", have.Engine))
	case from.replicated() || to.replicated():
		out = append(out, "a replicated table lives on other servers as well, which do not change places together")
	case want.Cluster != "":
		out = append(out, "the tables of a cluster do not change places together")
	}
	for _, name := range []string{"_part", "_part_offset", "_block_number"} {
		if _, ok := have.Column(name); ok {
			out = append(out, fmt.Sprintf("its column %q hides the server's own of that name", name))
		}
	}
	if err := checkTableName(have.Database, BeforeName(have.Name, "YYYYMMDD_nn")); err != nil {
		out = append(out, err.Error())
	}
	if have.Rebuild != nil {
		out = append(out, have.Rebuild.Obstacles...)
	}
	return out
}
