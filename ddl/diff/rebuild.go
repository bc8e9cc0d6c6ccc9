package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/rebuildsettings"
	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/ddl/rebuild"
)

// Rebuilds reports whether the plan makes a table anew, or ends that.
func (p Plan) Rebuilds() bool {
	return slices.ContainsFunc(p.Statements, func(s Statement) bool { return s.Rebuild != nil })
}

// planRebuild puts a rebuild in the place of every statement that it makes
// unnecessary. Those that delete something stay, behind it, under their own
// hazard. Where the table cannot be rebuilt, it says why.
func (p *planner) planRebuild(changes []change) {
	if !slices.ContainsFunc(changes, needsRebuild) {
		return
	}
	if obstacles := rebuildObstacles(p.want, *p.have); len(obstacles) > 0 {
		for i, s := range p.Statements {
			if s.Hazard == ddl.NeedsRebuild && s.View == nil {
				p.Statements[i].Why += "; it cannot be rebuilt, since " + strings.Join(obstacles, ", and ")
			}
		}
		return
	}
	if slices.Contains(p.options, Prune) {
		changes = dropKept(changes, *p.have)
	}
	why, later := absorb(changes)
	r := newRebuild(p.want, *p.have, changes, later)
	r.Reasons = why
	p.Statements = []Statement{{SQL: strings.Join(r.Outline(), ";\n"), Hazard: ddl.NeedsRebuild, Why: strings.Join(why, "; "), Rebuild: r}}
	p.Notes, p.extras = nil, 0
	p.render(slices.Concat(later, kept(changes)))
}

// planFinish puts the end of a rebuild that was interrupted before everything
// else.
func (p *planner) planFinish(on ddl.TableName, state *ddl.RebuildState) {
	r := &rebuild.Rebuild{On: on, Finish: true}
	p.Statements = append([]Statement{{
		SQL: r.FinishSQL(state.Other), Hazard: ddl.MetadataOnly, Rebuild: r,
		Why: "finish the rebuild: the tables have been exchanged, and the old one is to be renamed",
	}}, p.Statements...)
}

func withoutRebuildSettings(changes []change) []change {
	return slices.DeleteFunc(changes, func(c change) bool {
		setting, ok := c.(modifySetting)
		return ok && (rebuildsettings.Copy[setting.name] != "" || rebuildsettings.Frozen[setting.name] != "")
	})
}

// abandonedNote says how to give up a rebuild that has begun and that the
// schema does not ask for any more.
func abandonedNote(on ddl.TableName, state *ddl.RebuildState) string {
	reset := ddl.AlterSQL(on, []string{"RESET SETTING " + strings.Join(rebuildSettingNames(), ", ")})
	text := "a rebuild of the table was begun with another schema and is not finished; its parts are not merged meanwhile. To give it up: "
	if state.Other != "" {
		text += "DROP TABLE " + ddl.TableSQL(ddl.TableName{Database: on.Database, Name: state.Other}) + "; "
	}
	return text + reset
}

func rebuildSettingNames() []string {
	names := slices.Collect(maps.Keys(rebuildsettings.Frozen))
	names = slices.AppendSeq(names, maps.Keys(rebuildsettings.Fence))
	slices.Sort(names)
	return names
}

// absorb tells the changes that a rebuild makes by the way, by their reasons,
// from those that delete something or are about views.
func absorb(changes []change) (why []string, later []change) {
	var small []string
	for _, c := range changes {
		steps := alone(c)
		worst := ddl.MetadataOnly
		for _, s := range steps {
			worst = max(worst, s.Hazard)
		}
		switch {
		case len(steps) == 0:
		case isView(c):
			later = append(later, c)
		case worst == ddl.NeedsRebuild:
			why = append(why, steps[0].Why)
		case worst == ddl.DeletesData, dropsMetadata(steps):
			later = append(later, c)
		default:
			small = append(small, c.String())
		}
	}
	return append(why, small...), later
}

func dropsMetadata(steps []Statement) bool {
	return slices.ContainsFunc(steps, func(s Statement) bool { return s.Hazard == ddl.DropsMetadata })
}

// alone returns the statements for a single change.
func alone(c change) []Statement {
	p := planner{}
	p.render([]change{c})
	return p.Statements
}

// needsRebuild reports whether a change of the table itself takes a rebuild. One
// that is about a view may be impossible as well, yet a rebuild does not help.
func needsRebuild(c change) bool {
	return !isView(c) && slices.ContainsFunc(alone(c), func(s Statement) bool { return s.Hazard == ddl.NeedsRebuild })
}

// isView reports whether a change is about a materialized view, which a rebuild
// leaves alone.
func isView(c change) bool {
	switch c.(type) {
	case createView, modifyView, replaceView, dropView:
		return true
	}
	return false
}

// dropKept turns notes of columns that are kept for the old key's sake into
// their removal, which is possible once there is another key.
func dropKept(changes []change, have ddl.Table) []change {
	out := slices.Clone(changes)
	for i, c := range out {
		if k, ok := c.(keep); ok && k.kind == "column" {
			column, _ := have.Column(k.name)
			out[i] = dropColumn{column}
		}
	}
	return out
}

// isNote reports whether nothing is to be done about a difference.
func isNote(c change) bool {
	switch c.(type) {
	case keep, keepProperty, keepSetting:
		return true
	}
	return false
}

// kept returns the notes among changes.
func kept(changes []change) []change {
	return slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return !isNote(c) })
}

func newRebuild(want, have ddl.Table, changes, later []change) *rebuild.Rebuild {
	on := want.TableName()
	if on.Database == "" {
		on.Database = have.Database
	}
	return rebuild.CopyOf(on, have, rebuildTarget(want, have, changes, later))
}

// rebuildTarget returns the table that is wanted, with all that the present one
// has and that a rebuild does not take away.
func rebuildTarget(want, have ddl.Table, changes, later []change) ddl.Table {
	t := want
	t.Database, t.Storage, t.Rebuild, t.Views = have.Database, nil, nil, nil
	t.Columns, t.Indexes = slices.Clone(want.Columns), slices.Clone(want.Indexes)
	for _, c := range have.Columns {
		if _, ok := want.Column(c.Name); !ok {
			t.Columns = append(t.Columns, c)
		}
	}
	t.Projections = slices.Clone(want.Projections)
	for _, c := range slices.Concat(kept(changes), later) {
		switch c := c.(type) {
		case keep:
			retainPart(&t, have, c.kind, c.name)
		case keepProperty:
			if c.view == "" {
				retainProperty(&t, have, c.column, c.property)
			}
		case modifyColumn:
			retainProperty(&t, have, c.column, c.property)
		case modifyTable:
			retainProperty(&t, have, "", c.property)
		case keepSetting:
			retainSetting(&t, have, c.name)
		case modifySetting:
			retainSetting(&t, have, c.name)
		}
	}
	return t
}

// retainProperty gives a column or, without one, the table a property of another
// table.
func retainProperty(t *ddl.Table, have ddl.Table, column string, p property) {
	if column == "" {
		if p == ttlProperty {
			t.TTL = have.TTL
		} else {
			t.Comment = have.Comment
		}
		return
	}
	from, ok := have.Column(column)
	i := slices.IndexFunc(t.Columns, func(c ddl.Column) bool { return c.Name == column })
	if !ok || i < 0 {
		return
	}
	switch to := &t.Columns[i]; p {
	case defaultProperty:
		to.Default = from.Default
	case codecProperty:
		to.Codec = from.Codec
	case ttlProperty:
		to.TTL = from.TTL
	case commentProperty:
		to.Comment = from.Comment
	default:
	}
}

func retainSetting(t *ddl.Table, have ddl.Table, name string) {
	t.Settings = maps.Clone(t.Settings)
	if t.Settings == nil {
		t.Settings = make(map[string]string)
	}
	t.Settings[name] = have.Settings[name]
}

// retainPart adds an index or a projection of another table.
func retainPart(t *ddl.Table, have ddl.Table, kind, name string) {
	for _, x := range have.Indexes {
		if kind == "index" && x.Name == name {
			t.Indexes = append(t.Indexes, x)
		}
	}
	for _, x := range have.Projections {
		if kind == "projection" && x.Name == name {
			t.Projections = append(t.Projections, x)
		}
	}
}

// rebuildObstacles says why a table cannot be rebuilt.
func rebuildObstacles(want, have ddl.Table) []string {
	var out []string
	from, errFrom := sqltext.ParseEngine(have.Engine)
	to, errTo := sqltext.ParseEngine(want.Engine)
	switch {
	case want.IsDistributed():
		out = append(out, fmt.Sprintf("it keeps rows, which a Distributed table does not: rename it to %q if it is to be this shard's", want.Distributed.Local))
	case errFrom != nil || errTo != nil:
		out = append(out, fmt.Sprintf("%s is no engine of the MergeTree family", have.Engine))
	case from.Replicated() || to.Replicated():
		out = append(out, "a replicated table lives on other servers as well, which do not change places together")
	case want.Cluster != "":
		out = append(out, "the tables of a cluster do not change places together")
	}
	for _, c := range want.Columns {
		if other, ok := have.Clash(c); ok {
			out = append(out, fmt.Sprintf("the columns %q and %q cannot stand beside each other", c.Name, other))
		}
	}
	for _, name := range []string{"_part", "_part_offset", "_block_number"} {
		if _, ok := have.Column(name); ok {
			out = append(out, fmt.Sprintf("its column %q hides the server's own of that name", name))
		}
	}
	if err := ddl.CheckTableName(have.Database, rebuild.BeforeName(have.Name, "YYYYMMDD_nn")); err != nil {
		out = append(out, err.Error())
	}
	if have.Rebuild != nil {
		out = append(out, have.Rebuild.Obstacles...)
	}
	return out
}
