package ddl

// For the tests in package ddl_test that ask the engine.
var (
	ExactFunctions     = exactFunctions
	MetadataConversion = metadataConversion
	LosslessConversion = losslessConversion
	ReservedColumns    = reservedColumns
	ConstantWords      = constantWords
	IsConstantWord     = isConstantWord
)
