package htmlreport

import (
	"crypto/sha256"
	_ "embed" // the script of the page
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"slices"

	"github.com/factload/factload/answers"
)

//go:embed page/live.js
var liveJS string

// liveQuestion is a question that the page asks itself.
type liveQuestion struct {
	Answer
	Reads []string `json:"reads"`
	SQL   string   `json:"sql"`
	Newer string   `json:"newer"` // within a window; {from} stands for its beginning
	Order string   `json:"order"`
}

// WriteLiveHTML writes a page that has the questions about chats and evals and no answers: it asks the ClickHouse server
// that it comes from, whose HTTP interface has to be at /, when somebody logs in. The user is what the field for it begins
// with. The page is for no other server, and holds no facts.
func WriteLiveHTML(w io.Writer, user, database string) error {
	var questions []liveQuestion
	times := map[string]string{}
	for _, table := range allTables() {
		times[table] = timesSQL(table)
		for _, q := range answers.All() {
			if q.Reads[0] != table || len(q.Parameters) > 0 {
				continue
			}
			a := answerTo(q)
			for _, column := range q.Columns {
				a.Columns = append(a.Columns, Column{Name: column.Name, Text: column.Text})
			}
			questions = append(questions, liveQuestion{Answer: a, Reads: q.Reads, SQL: q.SQL, Newer: within(q, database, "{from}"), Order: orderOf(q.Order)})
		}
	}
	data, err := json.Marshal(map[string]any{"questions": questions, "times": times, "windows": windowsSQL, "whole": wholeTime, "asked": askedSQL})
	if err != nil {
		return err
	}
	scripts := ""
	for _, script := range []string{plotJS, pageJS, liveJS} {
		sum := sha256.Sum256([]byte(script))
		scripts += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return writePage(w, map[string]any{
		"Title": "Evals and chats", "User": user, "Scripts": scripts,
		"Live": template.JS(liveJS), //nolint:gosec // part of the program
		"Data": template.JS(data),   //nolint:gosec // JSON, escaped for HTML
	})
}

// allTables returns the tables that questions are about, evals first.
func allTables() []string { return slices.Concat(topics["eval"], topics["chat"]) }
