package ddl

import (
	"fmt"
	"strings"
)

// addColumnsSQL adds columns in one statement, which the server applies as a
// whole or not at all. It may run again, and beside itself.
func addColumnsSQL(on TableName, columns []addColumn) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		where := "FIRST"
		if c.after != "" {
			where = "AFTER " + QuoteIdent(c.after)
		}
		parts[i] = fmt.Sprintf("ADD COLUMN IF NOT EXISTS %s %s", columnSQL(c.column), where)
	}
	return alterSQL(on, parts)
}

// modifyTypeSQL changes the type of a column, and its codec if the new type has
// another one. All else about it stays.
func modifyTypeSQL(on TableName, c modifyColumnType) string {
	sql := fmt.Sprintf("MODIFY COLUMN %s %s", QuoteIdent(c.column), c.want)
	if c.codec != "" {
		sql += " CODEC(" + c.codec + ")"
	}
	return alterSQL(on, []string{sql})
}

// modifyColumnSQL changes or removes one property of a column.
func modifyColumnSQL(on TableName, c modifyColumn) string {
	column := "MODIFY COLUMN " + QuoteIdent(c.column)
	switch {
	case c.property == commentProperty:
		column = fmt.Sprintf("COMMENT COLUMN %s %s", QuoteIdent(c.column), QuoteString(c.want))
	case c.want == "":
		column += " REMOVE " + strings.ToUpper(string(c.property))
	case c.property == codecProperty:
		column += " CODEC(" + c.want + ")"
	default:
		column += " " + strings.ToUpper(string(c.property)) + " " + c.want
	}
	return alterSQL(on, []string{column})
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

func dropColumnSQL(on TableName, column string) string {
	return alterSQL(on, []string{"DROP COLUMN IF EXISTS " + QuoteIdent(column)})
}

// modifyTableSQL changes or removes one property of a table.
func modifyTableSQL(on TableName, c modifyTable) string {
	switch {
	case c.property == commentProperty:
		return alterSQL(on, []string{"MODIFY COMMENT " + QuoteString(c.want)})
	case c.want == "":
		return alterSQL(on, []string{"REMOVE TTL"})
	}
	return alterSQL(on, []string{"MODIFY TTL " + c.want})
}

// settingsAlterSQL sets values of settings, or takes all of them back.
func settingsAlterSQL(changes []modifySetting) string {
	verb, parts := "MODIFY", make([]string, len(changes))
	for i, c := range changes {
		if parts[i] = settingSQL(c.name, c.want); c.want == "" {
			verb, parts[i] = "RESET", c.name
		}
	}
	return verb + " SETTING " + strings.Join(parts, ", ")
}

func alterSQL(on TableName, commands []string) string {
	head := "ALTER TABLE " + tableSQL(on) + onCluster(on.Cluster)
	if len(commands) == 1 {
		return head + " " + commands[0]
	}
	return head + "\n    " + strings.Join(commands, ",\n    ")
}
