package query

import (
	"regexp"
	"strings"
)

// sqlPieces are what may hold a semicolon that ends no statement, and the semicolon itself. A quote or a comment that is
// not closed goes on to the end.
var sqlPieces = regexp.MustCompile(`(?s)'(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|` + "`(?:[^`\\\\]|\\\\.)*(?:`|$)" + `|--[^\n]*|/\*.*?(?:\*/|$)|;`)

// splitStatements returns the statements of an SQL text, without the semicolons between them. The last one is unfinished
// unless a semicolon follows. Heredocs are not known.
func splitStatements(sql string) (statements []string, finished bool) {
	finished = true
	from := 0
	add := func(text string) {
		if text = strings.TrimSpace(text); hasSQL(text) {
			statements = append(statements, text)
		}
	}
	for _, at := range sqlPieces.FindAllStringIndex(sql, -1) {
		if sql[at[0]:at[1]] == ";" {
			add(sql[from:at[0]])
			from = at[1]
		}
	}
	add(sql[from:])
	return statements, !hasSQL(sql[from:])
}

// hasSQL reports whether a text has more than comments.
func hasSQL(text string) bool {
	return strings.TrimSpace(withoutComments(text)) != ""
}

func withoutComments(text string) string {
	return sqlPieces.ReplaceAllStringFunc(text, func(piece string) string {
		if strings.HasPrefix(piece, "--") || strings.HasPrefix(piece, "/*") {
			return " "
		}
		return piece
	})
}
