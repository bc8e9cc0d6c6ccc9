package engine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the files of the start page
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/answers/htmlreport"
	"github.com/factload/factload/clickhouse/embedded"
)

var (
	//go:embed start_page.html
	startHTML string
	//go:embed start_page.js
	startJS string
	//go:embed start_page.css
	startCSS string
	//go:embed metrics.sql
	metricsSQL string
)

var startPage = template.Must(template.New("start").Parse(startHTML))

// pages are what serve answers over HTTP beside the engine. The start page has no facts and no
// secrets: with a password it asks the engine, as any other client does. No browser keeps the
// password or sends it by itself, so that no other page can ask in its name.
func pages(c embedded.Config) []embedded.Page {
	var html, report bytes.Buffer
	reader := ""
	for _, u := range c.Users {
		reader = u.Name
	}
	err := startPage.Execute(&html, map[string]any{
		"User": c.User, "Reader": reader, "Database": c.Database, "Questions": questions(),
		"Script": template.JS(startJS), "Style": template.CSS(startCSS), //nolint:gosec // files of this package
	})
	if err := errors.Join(err, htmlreport.WriteLiveHTML(&report, cmp.Or(reader, c.User), c.Database)); err != nil {
		panic(err) // the pages are constants of the program
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	headers := func(policy string) map[string]string {
		return map[string]string{
			"Content-Type":            "text/html; charset=UTF-8",
			"Content-Security-Policy": policy + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
		}
	}
	return []embedded.Page{
		{Path: "/", Text: html.String(), Headers: headers("default-src 'none'; script-src " + hash(startJS) + "; style-src " + hash(startCSS) + "; connect-src 'self'; ")},
		{Path: "/report", Text: report.String(), Headers: headers("")}, // the page itself says what it may do besides
		{Path: "/healthz", Text: "ok\n", Headers: map[string]string{"Content-Type": "text/plain; charset=UTF-8"}},
		{Path: "/metrics", Query: metricsSQL},
	}
}

// question is a shipped question as the start page links to it.
type question struct {
	Name, Title, Question string
	Reads                 []string
	SQL                   string
}

// questions returns the shipped questions that need no parameters.
func questions() []question {
	var out []question
	for _, q := range answers.All() {
		if len(q.Parameters) == 0 {
			out = append(out, question{Name: q.Name, Title: q.Title, Question: q.Question, Reads: q.Reads, SQL: fmt.Sprintf("SELECT * FROM (\n%s\n)\nORDER BY %s", q.SQL, cmp.Or(q.Order, "ALL"))})
		}
	}
	return out
}
