package ddl

// For the tests in package ddl_test that ask the engine.
var (
	MetadataConversion = metadataConversion
	LosslessConversion = losslessConversion
	ReservedColumns    = reservedColumns
	ReadonlySettings   = readonlySettings
	ConstantWords      = constantWords
	IsConstantWord     = isConstantWord
)

// The differences between tables, for the tests that look at them one by one.
type (
	Change           = change
	ModifyFixed      = modifyFixed
	ModifyPart       = modifyPart
	ModifyColumnType = modifyColumnType
)

// Diff returns what separates two tables.
func Diff(want Table, have *Table, options ...DiffOption) []Change {
	return Compare(want, have, options...).changes
}

// InPlace returns the statements for what separates two tables, without a
// rebuild.
func InPlace(want Table, have *Table, options ...DiffOption) []Statement {
	c := Compare(want, have, options...)
	p := newPlanner(c)
	p.render(c.changes)
	return p.Statements
}

// StringValue returns what a SQL string literal says, as the lexer reads it.
func StringValue(sql string) (string, error) {
	tokens, err := tokenize(sql)
	if err != nil || len(tokens) != 1 {
		return "", err
	}
	return tokens[0].text, nil
}
