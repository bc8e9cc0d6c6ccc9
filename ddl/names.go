package ddl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// ReservedPrefix begins the names of the tables that factload keeps for itself.
// No schema and no view has such a name.
const ReservedPrefix = "_factload"

// maxTableNameBytes is the longest table name, counted as the server stores it
// in a file name: a letter, digit or underscore is one byte, every other byte
// three. The server keeps a dropped table in a file called
// database.table.uuid.sql of at most 255 bytes, which leaves this for the names
// of database and table together.
const maxTableNameBytes = 213

// reservedColumns are names that the server keeps for itself in every table of
// the MergeTree family.
var reservedColumns = []string{"_row_exists", "_block_number", "_block_offset"}

// constantWords are names that the server prints without quotes, in any case of
// letters, and then reads as a constant or an operator. A table that sorts by
// such a column, or uses it in any other expression, is lost when the server
// restarts.
var constantWords = []string{"true", "false", "inf", "infinity", "nan", "not"}

func isConstantWord(name string) bool {
	return slices.ContainsFunc(constantWords, func(w string) bool { return strings.EqualFold(w, name) })
}

// NameError says why a name cannot be given to a table or to a part of one.
type NameError struct {
	// Kind is what is named: table, column, index or cluster.
	Kind string
	// Name is the name.
	Name string
	// Problem says what is wrong and how to fix it.
	Problem string
}

// Error names the thing, its name cut to a sane length, and the problem.
func (e *NameError) Error() string {
	return fmt.Sprintf("%s name %q: %s", e.Kind, sqltext.Shorten(e.Name), e.Problem)
}

func checkName(kind, name string) error {
	if name == "" {
		return &NameError{Kind: kind, Name: name, Problem: "is empty"}
	}
	if err := sqltext.CheckText(name); err != nil {
		return &NameError{Kind: kind, Name: name, Problem: err.Error()}
	}
	return nil
}

// CheckTableName checks that the server can keep the table in a file.
func CheckTableName(database, table string) error {
	if err := checkName("table", table); err != nil {
		return err
	}
	if strings.HasPrefix(table, ReservedPrefix) {
		return &NameError{Kind: "table", Name: table, Problem: "begins with " + ReservedPrefix + ", as factload's own tables do: choose another name"}
	}
	room := maxTableNameBytes - max(1, fileNameBytes(database))
	if n := fileNameBytes(table); n > room {
		return &NameError{Kind: "table", Name: table, Problem: fmt.Sprintf(
			"is too long: it takes %d bytes of a file name, of which the server has %d; letters of a-z, digits and _ take one byte, other bytes three", n, room)}
	}
	return nil
}

// fileNameBytes is the length of name as the server escapes it in file names.
func fileNameBytes(name string) int {
	n := 0
	for i := range len(name) {
		if sqltext.IsWordByte(name[i]) {
			n++
		} else {
			n += 3
		}
	}
	return n
}
