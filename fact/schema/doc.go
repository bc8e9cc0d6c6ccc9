// Package schema says what facts look like: a [Schema] names the fields, their
// types ([FieldType]) and the sorting key. It knows nothing of any database; other
// packages derive tables and encoders from it. [Schema.Validate] finds everything
// that is wrong with one.
//
// A field may stand anywhere in a row: a [Path] leads there. [StructOf] compiles a
// struct type with tags, which carries the values of facts without a map.
//
// Package fact repeats the names that services need.
package schema
