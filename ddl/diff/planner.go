package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/coltype"
)

// Comparison is what separates a table that is wanted from the one that exists.
type Comparison struct {
	want    ddl.Table
	have    *ddl.Table
	options []Option
	changes []change
}

// Compare compares the table that is wanted with the one that exists; a nil have
// means that there is none. Both should be as a server prints them: see
// [ddl.Table.Printed].
func Compare(want ddl.Table, have *ddl.Table, options ...Option) Comparison {
	return Comparison{want: want, have: have, options: slices.Clone(options), changes: diff(want, have, options...)}
}

// MakePlan returns what has to be done to a table. It is [Compare] for a table
// about which nothing more is known than have says.
func MakePlan(want ddl.Table, have *ddl.Table, options ...Option) Plan {
	return Compare(want, have, options...).Plan()
}

// Empty reports whether there is nothing to do. What is kept does not count.
func (c Comparison) Empty() bool {
	return !slices.ContainsFunc(c.changes, func(c change) bool { return !isNote(c) })
}

// NeedsRebuild reports whether something differs that no statement can change in
// place.
func (c Comparison) NeedsRebuild() bool { return slices.ContainsFunc(c.changes, needsRebuild) }

// Plan renders the differences into statements. It takes what is stored in the
// table, and how it stands to a rebuild, from the Storage and the Rebuild of the
// table that exists, which may be set after Compare. The plan carries the
// fingerprint of that table, so that it can be refused once the table has
// changed.
func (c Comparison) Plan() Plan {
	p := newPlanner(c)
	changes := c.changes
	if c.have != nil && c.have.Rebuild != nil && c.have.Rebuild.Exchanged {
		changes = withoutRebuildSettings(changes) // they are seen to when the rebuild is finished
	}
	p.render(changes)
	if c.have == nil {
		return p.Plan
	}
	p.planRebuild(changes)
	p.unseen()
	if state := c.have.Rebuild; state != nil && !p.Rebuilds() {
		on := ddl.TableName{Database: c.have.Database, Name: c.have.Name}
		switch {
		case state.Exchanged:
			p.planFinish(on, state)
		case state.Settings:
			p.Notes = append(p.Notes, abandonedNote(on, state))
		}
	}
	return p.Plan
}

// planner renders changes into a plan.
type planner struct {
	Plan
	have  *ddl.Table
	on    ddl.TableName // the table with its database, where that is known
	named ddl.TableName // as it was given
}

func newPlanner(c Comparison) *planner {
	p := &planner{have: c.have, on: c.want.TableName(), named: c.want.TableName()}
	p.Plan = Plan{Table: p.named.String(), Fingerprint: c.have.Fingerprint(), want: c.want, options: c.options}
	if c.have == nil {
		return p
	}
	p.Storage = c.have.Storage
	if p.on.Database == "" {
		p.on.Database = c.have.Database
	}
	return p
}

// render renders changes in their order. Columns to add that follow each other
// become one statement, and so do settings.
func (p *planner) render(changes []change) {
	for i := 0; i < len(changes); i++ {
		switch c := changes[i].(type) {
		case addColumn:
			adds := leading[addColumn](changes[i:])
			p.add(addColumnsSQL(p.on, adds), ddl.MetadataOnly, addWhy(adds))
			i += len(adds) - 1
		case modifySetting:
			settings := leading[modifySetting](changes[i:])
			p.settings(settings)
			i += len(settings) - 1
		default:
			p.one(c)
		}
	}
}

// one renders a change that becomes statements of its own.
func (p *planner) one(c change) {
	switch c := c.(type) {
	case createTable:
		p.add(ddl.CreateSQL(c.want), ddl.MetadataOnly, "the table does not exist")
	case modifyColumnType:
		p.modifyType(c)
	case markJSON:
		p.markJSON(c)
	case modifyColumn:
		p.modifyColumn(c)
	case modifyTable:
		if c.property == ttlProperty {
			p.modifyTTL(modifyTableSQL(p.on, c), c.have, c.want, c.String(), "rows")
		} else {
			p.add(modifyTableSQL(p.on, c), metadata(c.foreign), c.String())
		}
	case dropColumn:
		p.add(dropColumnSQL(p.on, c.column.Name), ddl.DeletesData, c.String()+"; its values are gone for good")
		p.touches(c.column.Name)
	case modifyFixed, clashingColumn:
		p.add("", ddl.NeedsRebuild, c.String())
	case modifyDistributed, spreadAnew:
		p.distributed(c)
	case addPart, modifyPart, dropPart:
		p.part(c)
	case createView, modifyView, replaceView, dropView:
		p.view(c)
	case keep:
		p.Notes = append(p.Notes, c.String())
		p.extras++
	case keepProperty, keepSetting: // not managed, and so no difference
		p.Notes = append(p.Notes, c.String())
	}
}

func (p *planner) add(sql string, h ddl.Hazard, why string) {
	p.Statements = append(p.Statements, Statement{SQL: sql, Hazard: h, Why: why})
}

// touches says which columns the last statement reads and writes.
func (p *planner) touches(columns ...string) {
	p.Statements[len(p.Statements)-1].Columns = columns
}

func (p *planner) modifyType(c modifyColumnType) {
	switch {
	case c.projection != "":
		p.add("", ddl.NeedsRebuild, fmt.Sprintf("%s; the projection %q, which the schema lacks, aggregates it: drop the projection first, by hand or by pruning, or have the table rebuilt", c, c.projection))
	case coltype.MetadataConversion(c.have, c.want):
		p.add(modifyTypeSQL(p.on, c), ddl.MetadataOnly, c.String()+"; stored values stay as they are")
	case c.inKey:
		p.add("", ddl.NeedsRebuild, c.String()+"; a key of the table uses it")
	case coltype.LosslessConversion(c.have, c.want):
		p.store(c.column)
		p.add(modifyTypeSQL(p.on, c), ddl.RewritesData, c.String()+"; every stored value fits the new type")
		p.touches(c.column)
	default:
		p.add("", ddl.NeedsRebuild, c.String()+"; stored values may not fit the new type")
	}
}

// store stores a column in rows that are older than the column, if there are
// any: they read its default, which is about to change.
func (p *planner) store(column string) {
	sql := storeColumnSQL(p.on, column)
	if !p.Storage.Lacks(column) || slices.ContainsFunc(p.Statements, func(s Statement) bool { return s.SQL == sql }) {
		return
	}
	p.add(sql, ddl.RewritesData,
		fmt.Sprintf("store column %q in the rows that are older than it; they would read the new default otherwise", column))
	p.touches(column)
}

func (p *planner) modifyColumn(c modifyColumn) {
	switch c.property {
	case ttlProperty:
		p.modifyTTL(modifyColumnSQL(p.on, c), c.have, c.want, c.String(), "values")
		p.touches(c.column)
	case defaultProperty:
		p.store(c.column)
		p.add(modifyColumnSQL(p.on, c), metadata(c.foreign), c.String()+"; stored values stay as they are")
	case codecProperty:
		p.add(modifyColumnSQL(p.on, c), metadata(c.foreign), c.String()+"; new parts use it, and old ones when they are merged")
	case commentProperty:
		p.add(modifyColumnSQL(p.on, c), metadata(c.foreign), c.String())
	}
}

func (p *planner) modifyTTL(sql, have, want, why, what string) {
	switch {
	case want == "":
		p.add(sql, ddl.DropsMetadata, why+"; nothing expires by it any more")
	case deletesMore(have, want):
		p.add(sql, ddl.DeletesData, why+"; "+what+" that have expired by it are deleted at once")
	default:
		p.add(sql, ddl.RewritesData, why+"; the server computes again when "+what+" expire, and none do so sooner")
	}
}

// readonlySettings cannot be changed once a table exists.
var readonlySettings = []string{
	"index_granularity", "index_granularity_bytes", "enable_mixed_granularity_parts", "share_nested_offsets", "allow_tuple_element_aggregation",
	"disk", "table_disk", "add_minmax_index_for_numeric_columns", "add_minmax_index_for_string_columns", "add_minmax_index_for_temporal_columns",
	"add_minmax_index_for_block_number_column", "add_minmax_index_for_block_offset_column",
}

// settings renders changes of settings: those that are given, those that take
// the place of somebody else's, and those that go back to the server's default.
func (p *planner) settings(changes []modifySetting) {
	var given, foreign, reset []modifySetting
	for _, c := range changes {
		switch {
		case slices.Contains(readonlySettings, c.name):
			p.add("", ddl.NeedsRebuild, c.String()+"; the server fixes it when the table is created")
		case c.want == "":
			reset = append(reset, c)
		case c.foreign:
			foreign = append(foreign, c)
		default:
			given = append(given, c)
		}
	}
	for _, list := range [][]modifySetting{given, foreign, reset} {
		if len(list) == 0 {
			continue
		}
		why := make([]string, len(list))
		for i, c := range list {
			why[i] = c.String()
		}
		p.add(ddl.AlterSQL(p.on, []string{settingsAlterSQL(list)}), metadata(list[0].foreign), strings.Join(why, "; "))
	}
}

// metadata is the hazard of a statement that touches no rows.
func metadata(foreign bool) ddl.Hazard {
	if foreign {
		return ddl.DropsMetadata
	}
	return ddl.MetadataOnly
}

// leading returns the changes of type T that changes starts with.
func leading[T change](changes []change) []T {
	var out []T
	for _, c := range changes {
		x, ok := c.(T)
		if !ok {
			break
		}
		out = append(out, x)
	}
	return out
}

func addWhy(adds []addColumn) string {
	names := make([]string, len(adds))
	for i, a := range adds {
		names[i] = fmt.Sprintf("%q", a.column.Name)
	}
	if len(names) == 1 {
		return "the table lacks the column " + names[0] + "; rows that are there read its default"
	}
	return "the table lacks the columns " + strings.Join(names, ", ") + "; rows that are there read their defaults"
}
