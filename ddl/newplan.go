package ddl

import (
	"fmt"
	"strings"
)

// NewPlan renders changes, as [Diff] returns them for one table, into
// statements in the same order. Columns to add that follow each other become
// one statement.
func NewPlan(changes []Change) Plan {
	var p Plan
	if len(changes) > 0 {
		p.Table = changes[0].Table().String()
	}
	for i := 0; i < len(changes); i++ {
		switch c := changes[i].(type) {
		case CreateTable:
			p.add(CreateSQL(c.Want), MetadataOnly, "the table does not exist")
		case AddColumn:
			adds := leadingAdds(changes[i:])
			p.add(addColumnsSQL(c.On, adds), MetadataOnly, addWhy(adds))
			i += len(adds) - 1
		case ModifyColumnType:
			p.modifyType(c)
		case ModifyColumnKind, ModifySortingKey, ModifyPrimaryKey, ModifyPartitionKey, ModifyEngine:
			p.add("", NeedsRebuild, c.String())
		case KeepColumn, Unverified:
			p.Notes = append(p.Notes, c.String())
		}
	}
	return p
}

func (p *Plan) add(sql string, h Hazard, why string) {
	p.Statements = append(p.Statements, Statement{SQL: sql, Hazard: h, Why: why})
}

func (p *Plan) modifyType(c ModifyColumnType) {
	switch {
	case metadataConversion(c.Have, c.Want):
		p.add(modifyTypeSQL(c), MetadataOnly, c.String()+"; stored values stay as they are")
	case c.InKey:
		p.add("", NeedsRebuild, c.String()+"; a key of the table uses it")
	case losslessConversion(c.Have, c.Want):
		p.add(modifyTypeSQL(c), RewritesData, c.String()+"; every stored value fits the new type")
	default:
		p.add("", NeedsRebuild, c.String()+"; stored values may not fit the new type")
	}
}

// leadingAdds returns the columns to add that changes starts with.
func leadingAdds(changes []Change) []AddColumn {
	var out []AddColumn
	for _, c := range changes {
		add, ok := c.(AddColumn)
		if !ok {
			break
		}
		out = append(out, add)
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
