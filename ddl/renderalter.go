package ddl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// addColumnsSQL adds columns in one statement, which the server applies as a
// whole or not at all. It may run again, and beside itself.
func addColumnsSQL(on TableName, columns []AddColumn) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		where := "FIRST"
		if c.After != "" {
			where = "AFTER " + QuoteIdent(c.After)
		}
		parts[i] = fmt.Sprintf("ADD COLUMN IF NOT EXISTS %s %s", columnSQL(c.Column), where)
	}
	return alterSQL(on, parts)
}

// modifyTypeSQL changes the type of a column, and its codec if the new type has
// another one. All else about it stays.
func modifyTypeSQL(c ModifyColumnType) string {
	sql := fmt.Sprintf("MODIFY COLUMN %s %s", QuoteIdent(c.Column), c.Want)
	if c.Codec != "" {
		sql += " CODEC(" + c.Codec + ")"
	}
	return alterSQL(c.On, []string{sql})
}

// modifyColumnSQL changes or removes one property of a column.
func modifyColumnSQL(c ModifyColumn) string {
	column := "MODIFY COLUMN " + QuoteIdent(c.Column)
	switch {
	case c.Property == CommentProperty:
		column = fmt.Sprintf("COMMENT COLUMN %s %s", QuoteIdent(c.Column), QuoteString(c.Want))
	case c.Want == "":
		column += " REMOVE " + strings.ToUpper(string(c.Property))
	case c.Property == CodecProperty:
		column += " CODEC(" + c.Want + ")"
	default:
		column += " " + strings.ToUpper(string(c.Property)) + " " + c.Want
	}
	return alterSQL(c.On, []string{column})
}

// storeColumnSQL stores what every row reads in the column, and returns when
// that is done. MATERIALIZE COLUMN would do with a default alone.
func storeColumnSQL(on TableName, column string) string {
	name := QuoteIdent(column)
	return alterSQL(on, []string{fmt.Sprintf("UPDATE %s = %s WHERE 1%s", name, name, awaited)})
}

// awaited makes the server answer when the statement is done. Who runs it by
// hand must not go on before.
const awaited = " SETTINGS mutations_sync = 2"

func dropColumnSQL(c DropColumn) string {
	return alterSQL(c.On, []string{"DROP COLUMN IF EXISTS " + QuoteIdent(c.Column.Name)})
}

// modifyTableSQL changes or removes one property of a table.
func modifyTableSQL(c ModifyTable) string {
	switch {
	case c.Property == CommentProperty:
		return alterSQL(c.On, []string{"MODIFY COMMENT " + QuoteString(c.Want)})
	case c.Want == "":
		return alterSQL(c.On, []string{"REMOVE TTL"})
	}
	return alterSQL(c.On, []string{"MODIFY TTL " + c.Want})
}

// settingsAlterSQL sets values in one statement and takes back others in
// another. Either is empty when there is nothing to do.
func settingsAlterSQL(on TableName, changes []ModifySetting) (set, reset string) {
	values := make(map[string]string)
	var gone []string
	for _, c := range changes {
		if c.Want == "" {
			gone = append(gone, c.Name)
		} else {
			values[c.Name] = c.Want
		}
	}
	if len(values) > 0 {
		parts := make([]string, 0, len(values))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			parts = append(parts, settingSQL(name, values[name]))
		}
		set = alterSQL(on, []string{"MODIFY SETTING " + strings.Join(parts, ", ")})
	}
	if len(gone) > 0 {
		reset = alterSQL(on, []string{"RESET SETTING " + strings.Join(gone, ", ")})
	}
	return set, reset
}

// addIndexSQL fails when the index exists, so that of several processes that
// add it only one goes on to build it.
func addIndexSQL(on TableName, x Index) string {
	return alterSQL(on, []string{"ADD " + indexSQL(x)})
}

// modifyIndexSQL puts one index in the place of another, in one step.
func modifyIndexSQL(c ModifyIndex) string {
	return alterSQL(c.On, []string{"DROP INDEX IF EXISTS " + QuoteIdent(c.Have.Name), "ADD " + indexSQL(c.Want)})
}

func dropIndexSQL(on TableName, name string) string {
	return alterSQL(on, []string{"DROP INDEX IF EXISTS " + QuoteIdent(name)})
}

func materializeIndexSQL(on TableName, name string) string {
	return alterSQL(on, []string{"MATERIALIZE INDEX " + QuoteIdent(name)})
}

// addProjectionSQL fails when the projection exists, so that of several
// processes that add it only one goes on to build it.
func addProjectionSQL(on TableName, p Projection) string {
	return alterSQL(on, []string{"ADD " + projectionSQL(p)})
}

// modifyProjectionSQL puts one projection in the place of another, in one step.
func modifyProjectionSQL(c ModifyProjection) string {
	return alterSQL(c.On, []string{"DROP PROJECTION IF EXISTS " + QuoteIdent(c.Have.Name), "ADD " + projectionSQL(c.Want)})
}

func dropProjectionSQL(on TableName, name string) string {
	return alterSQL(on, []string{"DROP PROJECTION IF EXISTS " + QuoteIdent(name)})
}

func materializeProjectionSQL(on TableName, name string) string {
	return alterSQL(on, []string{"MATERIALIZE PROJECTION " + QuoteIdent(name)})
}

func alterSQL(on TableName, commands []string) string {
	head := "ALTER TABLE " + tableSQL(on) + onCluster(on.Cluster)
	if len(commands) == 1 {
		return head + " " + commands[0]
	}
	return head + "\n    " + strings.Join(commands, ",\n    ")
}
