package ddl

import (
	"github.com/factload/factload/ddl/internal/sqltext"
)

// For the tests in package ddl_test that ask the engine.
var (
	ReservedColumns = reservedColumns
	ConstantWords   = constantWords
	IsConstantWord  = isConstantWord
)

// StringValue returns what a SQL string literal says, as the lexer reads it.
func StringValue(sql string) (string, error) {
	tokens, err := sqltext.Tokenize(sql)
	if err != nil || len(tokens) != 1 {
		return "", err
	}
	return tokens[0].Text, nil
}
