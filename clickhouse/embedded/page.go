package embedded

import (
	"fmt"
	"regexp"
	"strings"
)

// Page is an answer to GET requests over HTTP, without parameters, for a path of its own. It is either a text, which
// everybody gets, or the answer of a query, for those who log in and may run it; others get status 403.
type Page struct {
	Path    string            // such as /metrics; / is what a browser shows first
	Headers map[string]string // of a text: such as Content-Type
	Text    string
	Query   string // with a FORMAT clause
}

var (
	pagePath   = regexp.MustCompile(`^/[A-Za-z0-9_-]*$`)
	pageHeader = regexp.MustCompile(`^[A-Za-z-]+$`)
)

// check refuses what the engine's configuration could not hold.
func (p Page) check() error {
	if !pagePath.MatchString(p.Path) {
		return fmt.Errorf("engine config: page %q: want a path such as /metrics", p.Path)
	}
	if (p.Text == "") == (p.Query == "") {
		return fmt.Errorf("engine config: page %s: want a text or a query", p.Path)
	}
	for name := range p.Headers {
		if !pageHeader.MatchString(name) {
			return fmt.Errorf("engine config: page %s: header %q is no name", p.Path, name)
		}
	}
	if strings.Contains(p.Query, "${") {
		return fmt.Errorf("engine config: the query of page %s holds ${, which stands for a key in the engine's configuration", p.Path)
	}
	return nil
}
