package diff

import (
	"fmt"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// addColumnsSQL adds columns in one statement, which the server applies as a
// whole or not at all. It may run again, and beside itself.
func addColumnsSQL(on ddl.TableName, columns []addColumn) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		where := "FIRST"
		if c.after != "" {
			where = "AFTER " + sqltext.QuoteIdent(c.after)
		}
		parts[i] = fmt.Sprintf("ADD COLUMN IF NOT EXISTS %s %s", ddl.ColumnSQL(c.column), where)
	}
	return ddl.AlterSQL(on, parts)
}

// modifyTypeSQL changes the type of a column, and its codec if the new type has
// another one. All else about it stays.
func modifyTypeSQL(on ddl.TableName, c modifyColumnType) string {
	sql := fmt.Sprintf("MODIFY COLUMN %s %s", sqltext.QuoteIdent(c.column), coltype.Stored(c.want))
	if c.codec != "" {
		sql += " CODEC(" + c.codec + ")"
	}
	return ddl.AlterSQL(on, []string{sql})
}

// modifyColumnSQL changes or removes one property of a column.
func modifyColumnSQL(on ddl.TableName, c modifyColumn) string {
	column := "MODIFY COLUMN " + sqltext.QuoteIdent(c.column)
	switch {
	case c.property == commentProperty:
		return commentColumnSQL(on, ddl.Column{Name: c.column, Comment: c.want, JSON: c.json})
	case c.want == "":
		column += " REMOVE " + strings.ToUpper(string(c.property))
	case c.property == codecProperty:
		column += " CODEC(" + c.want + ")"
	default:
		column += " " + strings.ToUpper(string(c.property)) + " " + c.want
	}
	return ddl.AlterSQL(on, []string{column})
}

// commentColumnSQL changes the comment of a column.
func commentColumnSQL(on ddl.TableName, c ddl.Column) string {
	return ddl.AlterSQL(on, []string{fmt.Sprintf("COMMENT COLUMN %s %s", sqltext.QuoteIdent(c.Name), sqltext.QuoteString(c.StoredComment()))})
}

// storeColumnSQL stores what every row reads in the column, and returns when
// that is done. MATERIALIZE COLUMN would do with a default alone.
func storeColumnSQL(on ddl.TableName, column string) string {
	name := sqltext.QuoteIdent(column)
	return ddl.AlterSQL(on, []string{fmt.Sprintf("UPDATE %s = %s WHERE 1%s", name, name, awaited)})
}

// awaited makes the server answer when the statement is done. Who runs it by
// hand must not go on before.
const awaited = " SETTINGS mutations_sync = 2"

func dropColumnSQL(on ddl.TableName, column string) string {
	return ddl.AlterSQL(on, []string{"DROP COLUMN IF EXISTS " + sqltext.QuoteIdent(column)})
}

// modifyTableSQL changes or removes one property of a table.
func modifyTableSQL(on ddl.TableName, c modifyTable) string {
	switch {
	case c.property == commentProperty:
		return ddl.AlterSQL(on, []string{"MODIFY COMMENT " + sqltext.QuoteString(c.want)})
	case c.want == "":
		return ddl.AlterSQL(on, []string{"REMOVE TTL"})
	}
	return ddl.AlterSQL(on, []string{"MODIFY TTL " + c.want})
}

// settingsAlterSQL sets values of settings, or takes all of them back.
func settingsAlterSQL(changes []modifySetting) string {
	verb, parts := "MODIFY", make([]string, len(changes))
	for i, c := range changes {
		if parts[i] = sqltext.SettingSQL(c.name, c.want); c.want == "" {
			verb, parts[i] = "RESET", c.name
		}
	}
	return verb + " SETTING " + strings.Join(parts, ", ")
}
