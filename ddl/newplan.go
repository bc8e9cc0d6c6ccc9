package ddl

import (
	"fmt"
	"slices"
	"strings"
)

// NewPlan renders changes, as [Diff] returns them for one table, into
// statements in the same order. Columns to add that follow each other become
// one statement, and so do settings.
//
// The plan knows nothing of the state that it was made from. [MakePlan] returns
// one that does.
func NewPlan(changes []Change) Plan {
	var p Plan
	if len(changes) > 0 {
		p.Table = changes[0].Table().String()
	}
	for i := 0; i < len(changes); i++ {
		switch c := changes[i].(type) {
		case AddColumn:
			adds := leading[AddColumn](changes[i:])
			p.add(addColumnsSQL(c.On, adds), MetadataOnly, addWhy(adds))
			i += len(adds) - 1
		case ModifySetting:
			settings := leading[ModifySetting](changes[i:])
			p.settings(settings)
			i += len(settings) - 1
		default:
			p.one(c)
		}
	}
	return p
}

// MakePlan compares the table that is wanted with the one that exists, as
// [Diff] does, and returns what has to be done. The plan carries the
// fingerprint of have, so that it can be refused once the table has changed.
func MakePlan(want Table, have *Table, options ...DiffOption) Plan {
	changes := Diff(want, have, options...)
	if have != nil && have.Rebuild != nil && have.Rebuild.Exchanged {
		changes = withoutRebuildSettings(changes) // they are seen to when the rebuild is finished
	}
	p := NewPlan(changes)
	p.Table = want.TableName().String()
	p.Fingerprint = have.Fingerprint()
	p.want, p.options = want, slices.Clone(options)
	if have == nil {
		return p
	}
	p.Storage = have.Storage
	p.planRebuild(want, have, changes)
	p.unseen()
	if state := have.Rebuild; state != nil && !p.Rebuilds() {
		on := TableName{Database: have.Database, Name: have.Name}
		switch {
		case state.Exchanged:
			p.planFinish(on, state)
		case state.Settings:
			p.Notes = append(p.Notes, abandonedNote(on, state))
		}
	}
	return p
}

// one renders a change that becomes statements of its own.
func (p *Plan) one(change Change) {
	switch c := change.(type) {
	case CreateTable:
		p.add(CreateSQL(c.Want), MetadataOnly, "the table does not exist")
	case ModifyColumnType:
		p.modifyType(c)
	case ModifyColumn:
		p.modifyColumn(c)
	case ModifyTable:
		if c.Property == TTLProperty {
			p.modifyTTL(modifyTableSQL(c), c.Have, c.Want, c.String(), "rows")
		} else {
			p.add(modifyTableSQL(c), MetadataOnly, c.String())
		}
	case AddIndex:
		p.add(addIndexSQL(c.On, c.Index), MetadataOnly, c.String()+"; it holds for rows to come")
		p.buildIndex(c.On, c.Index)
	case ModifyIndex:
		p.add(modifyIndexSQL(c), RewritesData, c.String()+"; the old one is removed from all parts")
		p.buildIndex(c.On, c.Want)
	case DropIndex:
		p.add(dropIndexSQL(c.On, c.Index.Name), RewritesData, c.String()+"; it is removed from all parts")
	case DropColumn:
		p.add(dropColumnSQL(c), DeletesData, c.String()+"; its values are gone for good")
		p.touches(c.Column.Name)
	case ModifyColumnKind, ModifySortingKey, ModifyPrimaryKey, ModifyPartitionKey, ModifyEngine:
		p.add("", NeedsRebuild, change.String())
	case AddProjection, ModifyProjection, DropProjection:
		p.oneProjection(c)
	case CreateView, ModifyView, ReplaceView, DropView:
		p.oneView(c)
	case KeepColumn, KeepIndex, KeepProjection, KeepView:
		p.Notes = append(p.Notes, change.String())
		p.extras++
	case Unverified:
		p.Notes = append(p.Notes, change.String())
	}
}

func (p *Plan) add(sql string, h Hazard, why string) {
	p.Statements = append(p.Statements, Statement{SQL: sql, Hazard: h, Why: why})
}

// touches says which columns the last statement reads and writes.
func (p *Plan) touches(columns ...string) {
	p.Statements[len(p.Statements)-1].Columns = columns
}

func (p *Plan) modifyType(c ModifyColumnType) {
	switch {
	case c.Projection != "":
		p.add("", NeedsRebuild, fmt.Sprintf("%s; the projection %q, which the schema lacks, aggregates it: drop the projection first, by hand or by pruning, or have the table rebuilt", c, c.Projection))
	case metadataConversion(c.Have, c.Want):
		p.add(modifyTypeSQL(c), MetadataOnly, c.String()+"; stored values stay as they are")
	case c.InKey:
		p.add("", NeedsRebuild, c.String()+"; a key of the table uses it")
	case losslessConversion(c.Have, c.Want):
		if c.Unstored {
			p.store(c.On, c.Column)
		}
		p.add(modifyTypeSQL(c), RewritesData, c.String()+"; every stored value fits the new type")
		p.touches(c.Column)
	default:
		p.add("", NeedsRebuild, c.String()+"; stored values may not fit the new type")
	}
}

// store stores a column in rows that are older than the column.
func (p *Plan) store(on TableName, column string) {
	p.add(storeColumnSQL(on, column), RewritesData,
		fmt.Sprintf("store column %q in the rows that are older than it; they would read the new default otherwise", column))
	p.touches(column)
}

func (p *Plan) modifyColumn(c ModifyColumn) {
	switch c.Property {
	case TTLProperty:
		p.modifyTTL(modifyColumnSQL(c), c.Have, c.Want, c.String(), "values")
		p.touches(c.Column)
	case DefaultProperty:
		if c.Unstored {
			p.store(c.On, c.Column)
		}
		p.add(modifyColumnSQL(c), MetadataOnly, c.String()+"; stored values stay as they are")
	case CodecProperty:
		p.add(modifyColumnSQL(c), MetadataOnly, c.String()+"; new parts use it, and old ones when they are merged")
	case CommentProperty:
		p.add(modifyColumnSQL(c), MetadataOnly, c.String())
	}
}

func (p *Plan) modifyTTL(sql, have, want, why, what string) {
	switch {
	case want == "":
		p.add(sql, MetadataOnly, why+"; nothing expires by it any more")
	case deletesMore(have, want):
		p.add(sql, DeletesData, why+"; "+what+" that have expired by it are deleted at once")
	default:
		p.add(sql, RewritesData, why+"; the server computes again when "+what+" expire, and none do so sooner")
	}
}

// readonlySettings cannot be changed once a table exists.
var readonlySettings = []string{
	"index_granularity", "index_granularity_bytes", "enable_mixed_granularity_parts", "share_nested_offsets", "allow_tuple_element_aggregation",
	"table_disk", "add_minmax_index_for_numeric_columns", "add_minmax_index_for_string_columns", "add_minmax_index_for_temporal_columns",
	"add_minmax_index_for_block_number_column", "add_minmax_index_for_block_offset_column",
}

func (p *Plan) settings(changes []ModifySetting) {
	var why []string
	var alter []ModifySetting
	for _, c := range changes {
		if slices.Contains(readonlySettings, c.Name) {
			p.add("", NeedsRebuild, c.String()+"; the server fixes it when the table is created")
			continue
		}
		alter = append(alter, c)
	}
	set, reset := settingsAlterSQL(changes[0].On, alter)
	for _, sql := range []string{set, reset} {
		why = why[:0]
		for _, c := range alter {
			if (c.Want == "") == (sql == reset) {
				why = append(why, c.String())
			}
		}
		if sql != "" {
			p.add(sql, MetadataOnly, strings.Join(why, "; "))
		}
	}
}

// buildIndex builds an index, which holds for new parts as it is, for those that
// are there.
func (p *Plan) buildIndex(on TableName, x Index) {
	p.Statements = append(p.Statements, Statement{
		SQL: materializeIndexSQL(on, x.Name), Hazard: RewritesData, Optional: true,
		Why: fmt.Sprintf("build index %q for the rows that are there; it can be left out", x.Name),
	})
}

// leading returns the changes of type T that changes starts with.
func leading[T Change](changes []Change) []T {
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

func addWhy(adds []AddColumn) string {
	names := make([]string, len(adds))
	for i, a := range adds {
		names[i] = fmt.Sprintf("%q", a.Column.Name)
	}
	if len(names) == 1 {
		return "the table lacks the column " + names[0] + "; rows that are there read its default"
	}
	return "the table lacks the columns " + strings.Join(names, ", ") + "; rows that are there read their defaults"
}
