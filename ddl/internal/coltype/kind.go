package coltype

import "strings"

// Kind is what the values of a type are.
type Kind int

// The kinds of values. Those before Map have a text.
const (
	Text   Kind = iota // JSON text, too
	Number             // and truth values
	Time               // days and points in time
	Enum
	UUID
	Map
	Array
	Object // the server's JSON type
	Other
)

// KindOf returns the kind of the values of a canonical type.
func KindOf(t string) Kind {
	t = Essential(t)
	name, _, _ := strings.Cut(t, "(")
	switch {
	case t == "String" || t == jsonText:
		return Text
	case isNumber(t):
		return Number
	case name == "Date" || name == "Date32" || name == "DateTime" || name == "DateTime64":
		return Time
	case name == "Enum8" || name == "Enum16":
		return Enum
	case t == "UUID":
		return UUID
	case name == "Map":
		return Map
	case name == "Array":
		return Array
	case name == "JSON":
		return Object
	}
	return Other
}

func isNumber(t string) bool {
	kind, _ := numberBits(t)
	return kind != "" || t == "Bool" || strings.HasPrefix(t, "Decimal(")
}
