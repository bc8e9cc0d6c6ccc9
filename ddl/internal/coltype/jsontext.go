package coltype

import "strings"

// jsonText stands for the String in the type of a column whose text is JSON, where types
// are compared and converted. No server knows it: see [Stored].
const jsonText = "String(JSON)"

// OfJSON returns the type of a column of text that is JSON.
func OfJSON(t string) string { return strings.Replace(t, "String", jsonText, 1) }

// Stored returns the type as the server has it.
func Stored(t string) string { return strings.ReplaceAll(t, jsonText, "String") }

// IsJSONText reports whether a value of the type is a text that is JSON.
func IsJSONText(t string) bool { return Essential(t) == jsonText }
