package engine

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the files of the start page
	"encoding/base64"
	"html/template"

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
	var html bytes.Buffer
	reader := ""
	for _, u := range c.Users {
		reader = u.Name
	}
	err := startPage.Execute(&html, map[string]any{
		"User": c.User, "Reader": reader, "Database": c.Database,
		"Script": template.JS(startJS), "Style": template.CSS(startCSS), //nolint:gosec // files of this package
	})
	if err != nil {
		panic(err) // the page is a constant of this package
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return []embedded.Page{
		{Path: "/", Text: html.String(), Headers: map[string]string{
			"Content-Type": "text/html; charset=UTF-8",
			"Content-Security-Policy": "default-src 'none'; script-src " + hash(startJS) + "; style-src " + hash(startCSS) +
				"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
		}},
		{Path: "/healthz", Text: "ok\n", Headers: map[string]string{"Content-Type": "text/plain; charset=UTF-8"}},
		{Path: "/metrics", Query: metricsSQL},
	}
}
