// Package readrow makes structs of the rows that a query returns: the way back of
// what [fact.Fact.Value] describes. It knows columns and Go types, and no
// connection.
package readrow
