package ddl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// CreateSQL returns the statement that creates the table if it does not exist,
// on several lines for people to read, without a semicolon at the end. The
// table should come from [NewTable]: names are always quoted, but expressions
// are written as they are.
func CreateSQL(t Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s%s\n(\n", TableSQL(t.TableName()), OnCluster(t.Cluster))
	lines := columnLines(t.Columns)
	for _, x := range t.Indexes {
		lines = append(lines, IndexSQL(x))
	}
	for _, p := range t.Projections {
		lines = append(lines, ProjectionSQL(p))
	}
	for i, line := range lines {
		comma := ","
		if i == len(lines)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, "    %s%s\n", line, comma)
	}
	if t.IsDistributed() && t.Distributed != nil {
		fmt.Fprintf(&b, ")\nENGINE = %s", t.Distributed.engineSQL())
		writeComment(&b, t.Comment)
		return b.String()
	}
	fmt.Fprintf(&b, ")\nENGINE = %s", t.Engine)
	if t.PartitionBy != "" {
		fmt.Fprintf(&b, "\nPARTITION BY %s", t.PartitionBy)
	}
	if len(t.PrimaryKey) > 0 {
		fmt.Fprintf(&b, "\nPRIMARY KEY %s", keySQL(t.PrimaryKey))
	}
	fmt.Fprintf(&b, "\nORDER BY %s", keySQL(t.OrderBy))
	if t.TTL != "" {
		fmt.Fprintf(&b, "\nTTL %s", t.TTL)
	}
	if len(t.Settings) > 0 {
		b.WriteString("\nSETTINGS" + settingsSQL(t.Settings))
	}
	writeComment(&b, t.Comment)
	return b.String()
}

func writeComment(b *strings.Builder, comment string) {
	if comment != "" {
		fmt.Fprintf(b, "\nCOMMENT %s", sqltext.QuoteString(comment))
	}
}

// ReplaceSQL returns the statement that puts the table in the place of one that keeps no
// rows.
func ReplaceSQL(t Table) string {
	return "CREATE OR REPLACE TABLE" + strings.TrimPrefix(CreateSQL(t), "CREATE TABLE IF NOT EXISTS")
}

// TableSQL returns the quoted name of a table, with its database if that is given.
func TableSQL(n TableName) string {
	if n.Database == "" {
		return sqltext.QuoteIdent(n.Name)
	}
	return sqltext.QuoteIdent(n.Database) + "." + sqltext.QuoteIdent(n.Name)
}

// OnCluster returns the clause that runs a statement on a cluster, or nothing.
func OnCluster(cluster string) string {
	if cluster == "" {
		return ""
	}
	return " ON CLUSTER " + sqltext.QuoteIdent(cluster)
}

// columnLines renders columns with their types and clauses under each other.
func columnLines(columns []Column) []string {
	nameWidth, typeWidth := 0, 0
	for _, c := range columns {
		nameWidth = max(nameWidth, alignable(sqltext.QuoteIdent(c.Name)))
		typeWidth = max(typeWidth, alignable(c.Type))
	}
	lines := make([]string, len(columns))
	for i, c := range columns {
		name := pad(sqltext.QuoteIdent(c.Name), nameWidth)
		lines[i] = strings.TrimRight(name+" "+pad(c.Type, typeWidth)+columnClauses(c), " ")
	}
	return lines
}

// alignable is the width of a cell, or zero when it is so wide that lining the
// others up with it would help nobody.
func alignable(s string) int {
	const widest = 40
	if n := utf8.RuneCountInString(s); n <= widest {
		return n
	}
	return 0
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// ColumnSQL returns the definition of a column as it stands in a statement.
func ColumnSQL(c Column) string {
	return sqltext.QuoteIdent(c.Name) + " " + c.Type + columnClauses(c)
}

// columnClauses renders what stands behind the type, in the server's order.
func columnClauses(c Column) string {
	var b strings.Builder
	switch {
	case c.Default != "" && c.Kind == Ordinary:
		b.WriteString(" DEFAULT " + c.Default)
	case c.Default != "":
		b.WriteString(" " + strings.ToUpper(c.Kind.String()) + " " + c.Default)
	}
	if comment := c.StoredComment(); comment != "" {
		b.WriteString(" COMMENT " + sqltext.QuoteString(comment))
	}
	if c.Codec != "" {
		b.WriteString(" CODEC(" + c.Codec + ")")
	}
	if c.TTL != "" {
		b.WriteString(" TTL " + c.TTL)
	}
	return b.String()
}

// IndexSQL returns the definition of an index as it stands in a statement.
func IndexSQL(x Index) string {
	s := fmt.Sprintf("INDEX %s %s TYPE %s", sqltext.QuoteIdent(x.Name), x.Expr, x.Type)
	if x.Granularity > 0 {
		s += fmt.Sprintf(" GRANULARITY %d", x.Granularity)
	}
	return s
}

// ProjectionSQL returns the definition of a projection as it stands in a statement.
func ProjectionSQL(p Projection) string {
	return fmt.Sprintf("PROJECTION %s (%s)", sqltext.QuoteIdent(p.Name), strings.TrimSpace(p.Select))
}

func keySQL(key []string) string {
	switch len(key) {
	case 0:
		return "tuple()"
	case 1:
		return key[0]
	}
	return "(" + strings.Join(key, ", ") + ")"
}

func settingsSQL(settings map[string]string) string {
	parts := make([]string, 0, len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		parts = append(parts, sqltext.SettingSQL(name, settings[name]))
	}
	if len(parts) == 1 {
		return " " + parts[0]
	}
	return "\n    " + strings.Join(parts, ",\n    ")
}

// AlterSQL returns the statement that changes a table by all of the commands at once.
func AlterSQL(on TableName, commands []string) string {
	head := "ALTER TABLE " + TableSQL(on) + OnCluster(on.Cluster)
	if len(commands) == 1 {
		return head + " " + commands[0]
	}
	return head + "\n    " + strings.Join(commands, ",\n    ")
}
