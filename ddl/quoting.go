package ddl

import "github.com/factload/factload/ddl/internal/sqltext"

// QuoteIdent returns name as a quoted identifier in backticks. Whatever name
// holds, the result is exactly one identifier, and valid UTF-8. It does not
// check that the server would take the name; [NewTable] does.
func QuoteIdent(name string) string { return sqltext.QuoteIdent(name) }

// QuoteString returns s as a string literal in single quotes. Whatever s holds,
// the result is exactly one literal, and valid UTF-8: bytes that are not are
// written as \xHH, which the server reads back as the same bytes.
func QuoteString(s string) string { return sqltext.QuoteString(s) }
