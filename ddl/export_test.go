package ddl

// For the tests in package ddl_test that ask the engine.
var (
	ExactFunctions     = exactFunctions
	MetadataConversion = metadataConversion
	LosslessConversion = losslessConversion
	ReservedColumns    = reservedColumns
	ReadonlySettings   = readonlySettings
	ConstantWords      = constantWords
	IsConstantWord     = isConstantWord
)

// StringValue returns what a SQL string literal says, as the lexer reads it.
func StringValue(sql string) (string, error) {
	tokens, err := tokenize(sql)
	if err != nil || len(tokens) != 1 {
		return "", err
	}
	return tokens[0].text, nil
}
