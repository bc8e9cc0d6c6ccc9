package htmlreport

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
)

// The parts of a page. plot.js is Observable Plot, bundled by scripts/report-plot.sh.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
	//go:embed page/plot.js
	plotJS string
	//go:embed page/plot.licences.txt
	plotLicences string
)

var page = template.Must(template.New("page").Parse(pageHTML))

// WriteHTML writes the page.
func (r *Report) WriteHTML(w io.Writer) error {
	data, err := json.Marshal(r) // which escapes what could end the script element
	if err != nil {
		return err
	}
	return writePage(w, map[string]any{
		"Title": r.Title, "Made": r.Made.Format("2006-01-02 15:04 UTC"), "Scripts": "'unsafe-inline'",
		"Data": template.JS(data), //nolint:gosec // JSON, escaped for HTML
	})
}

// writePage writes a page whose own fields are given.
func writePage(w io.Writer, fields map[string]any) error {
	// These are part of the program.
	fields["CSS"] = template.CSS(pageCSS)  //nolint:gosec // see above
	fields["Script"] = template.JS(pageJS) //nolint:gosec // see above
	fields["Plot"] = template.JS(plotJS)   //nolint:gosec // see above
	fields["Licences"] = plotLicences
	return page.Execute(w, fields)
}
