package htmlreport_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers/htmlreport"
	"github.com/factload/factload/internal/browsertest"
)

// shown is a report in a tab of its own.
type shown struct {
	*browsertest.Page
	t *testing.T
}

// show opens a report in a window of a width, light or dark.
func show(t *testing.T, r *htmlreport.Report, width int64, scheme string) *shown {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	var html bytes.Buffer
	require.NoError(t, r.WriteHTML(&html))
	require.NoError(t, os.WriteFile(file, html.Bytes(), 0o600))
	return &shown{Page: browsertest.Open(t, "file://"+file, width, scheme), t: t}
}

// choose sets a filter, as a person does.
func (s *shown) choose(id, value string) {
	s.t.Helper()
	browsertest.Run[bool](s.Page, fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; return s.dispatchEvent(new Event("change")); })()`, id, value))
}

// look says what is to be seen.
func (s *shown) look() look {
	s.t.Helper()
	seen := browsertest.Run[look](s.Page, lookScript)
	s.Picture()
	seen.Requests = s.Requests()
	s.t.Logf("first contents after %.0f ms", seen.FirstPaint)
	return seen
}

// look is what is seen of a page.
type look struct {
	Requests []string // what the page has asked for
	Charts   int
	Unnamed  int      // pictures, tables and fields without an accessible name
	Overlaps []string // texts of an axis that cover each other
	Wide     bool     // the page is wider than the window
	Empty    []string // texts of sections without rows
	Notes    []string
	Projects []string // in the first column of the tables
	Rows     int
	Legend   int      // entries of the longest legend
	Scales   []string // of the costs, each different one

	FirstPaint float64 // of contents, in milliseconds
}

const lookScript = `(() => {
const boxes = (svg) => [...svg.querySelectorAll("g[data-part$='tick label'] text, g[data-part$='axis label'] text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
const overlaps = [];
for (const svg of document.querySelectorAll(".charts svg")) {
  const all = boxes(svg).filter(([text]) => text);
  all.forEach(([a, p], i) => all.slice(i + 1).forEach(([b, q]) => {
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 2 && q.top < p.bottom - 2) overlaps.push(a + " / " + b + " in " + svg.getAttribute("aria-label"));
  }));
}
return {
  FirstPaint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  Charts: document.querySelectorAll(".charts svg").length,
  Unnamed: [...document.querySelectorAll(".charts svg, .scroll, section")].filter((e) => !e.getAttribute("aria-label")).length
    + [...document.querySelectorAll("select")].filter((e) => !e.labels.length).length,
  Overlaps: overlaps, Wide: document.documentElement.scrollWidth > innerWidth,
  Empty: [...document.querySelectorAll(".empty")].map((e) => e.textContent), Notes: [...document.querySelectorAll(".note")].map((e) => e.textContent),
  Projects: [...new Set([...document.querySelectorAll("tbody tr td:first-child")].map((e) => e.textContent))].sort(),
  Rows: document.querySelectorAll("tbody tr").length, Legend: Math.max(0, ...[...document.querySelectorAll(".legend")].map((e) => e.children.length)),
  Scales: [...new Set([...document.querySelectorAll("#usage_per_day svg, #usage_per_user svg")].map((svg) => svg.closest("section").id + ": " + [...svg.querySelectorAll("g[data-part='x-axis tick label'] text")].map((e) => e.textContent).join(" ")))],
}; })()`

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	db, client := database(t)
	insertSamples(t, db)
	full, err := htmlreport.Make(t.Context(), client, "")
	require.NoError(t, err)
	for width, scheme := range map[int64]string{400: "light", 900: "dark", 1600: "light"} {
		t.Run(fmt.Sprint(width, " ", scheme), func(t *testing.T) {
			t.Parallel()
			seen := show(t, full, width, scheme).look()
			require.Empty(t, seen.Requests)
			require.Greater(t, seen.Charts, 20)
			require.Zero(t, seen.Unnamed)
			require.Empty(t, seen.Overlaps)
			require.False(t, seen.Wide)
			require.Empty(t, seen.Empty)
			require.Len(t, seen.Scales, 2, "costs of all projects are drawn to one scale")
		})
	}
	t.Run("filters", func(t *testing.T) {
		t.Parallel()
		s := show(t, full, 1000, "light")
		all := s.look()
		s.choose("project", "docs")
		s.choose("model", "atlas-mini")
		one := s.look()
		s.choose("project", "")
		s.choose("model", "")
		s.choose("window", "2")
		s.choose("theme", "dark")
		day := s.look()
		require.Subset(t, all.Projects, []string{"agents", "docs", "support"})
		require.Equal(t, []string{"docs"}, one.Projects)
		require.Less(t, one.Rows, all.Rows/4)
		require.Equal(t, []string{"No rows with these filters."}, unique(one.Empty), "evals have no project docs")
		require.Less(t, day.Rows, all.Rows)
		require.NotZero(t, day.Charts)
	})
}

// All that a page has, and what unfolds, is named and has contrast, and it can be printed. The page is one of few rows, as
// axe-core looks at every cell.
func TestPageIsAccessible(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	db, client := database(t)
	insertSample(t, db, "message", 60)
	insertSample(t, db, "eval_result", 60)
	r, err := htmlreport.Make(t.Context(), client, "")
	require.NoError(t, err)
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			show(t, r, 900, scheme).RequireAccessible()
		})
	}
	t.Run("printed", func(t *testing.T) {
		t.Parallel()
		s := show(t, r, 900, "dark")
		require.True(t, bytes.HasPrefix(s.PDF(), []byte("%PDF")))
	})
}

// Pages of no rows, of one row, and of more models than there are colours.
func TestPageOfUnusualData(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	for _, c := range []struct {
		name, insert string
		check        func(*testing.T, look)
	}{
		{"no rows", "", func(t *testing.T, seen look) {
			require.Zero(t, seen.Charts)
			require.Equal(t, []string{"No rows: nothing of this has been recorded in eval_result yet."}, unique(seen.Empty))
		}},
		{"one row", "SELECT '1', 'p', 'm', 's', 'c', '1', true, 0.5, now()", func(t *testing.T, seen look) {
			require.Equal(t, 3, seen.Charts)
			require.Empty(t, seen.Empty)
		}},
		{"one model", "SELECT toString(number), 'p', 'm', 's', concat('category ', toString(number % 3)), toString(number), number % 7 > 2, number % 11 / 10, toDateTime('2026-01-01 00:00:00') + number * 600 FROM numbers(3000)", func(t *testing.T, seen look) {
			require.Equal(t, 3, seen.Charts)
			require.Zero(t, seen.Legend, "there is nothing to tell apart")
		}},
		{
			"60 models", "SELECT toString(number), 'p', concat('a model with a rather long name ', toString(number % 60)), 's', concat('category ', toString(number % 3)), toString(number), number % 7 > 2, number % 11 / 10, toDateTime('2026-01-01 00:00:00') + number * 600 FROM numbers(3000)",
			func(t *testing.T, seen look) {
				require.Equal(t, 10, seen.Legend)
				require.True(t, strings.HasPrefix(seen.Notes[0], "10 of 60 values of model"), seen.Notes)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, client := database(t)
			if c.insert != "" {
				db.Exec(t, "INSERT INTO eval_result (id, project, model, suite, category, case_id, passed, score, created_at) "+c.insert)
			}
			r, err := htmlreport.Make(t.Context(), client, "eval")
			require.NoError(t, err)
			seen := show(t, r, 900, "light").look()
			require.Empty(t, seen.Requests)
			require.Zero(t, seen.Unnamed)
			require.Empty(t, seen.Overlaps)
			require.False(t, seen.Wide)
			c.check(t, seen)
		})
	}
}

// The answer of any query is drawn, as bars and as lines along times and numbers.
func TestQueryInBrowser(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	_, client := database(t)
	for name, c := range map[string]struct {
		mark, sql string
		texts     []string
	}{
		"bars":           {"bar", "SELECT concat('model ', toString(number)) AS model, 100 - 10 * number AS calls FROM numbers(5)", []string{"model 4", "calls"}},
		"bars by day":    {"bar", "SELECT toDate('2026-01-01') + number % 5 AS at, ['a', 'b'][number % 2 + 1] AS kind, number AS n FROM numbers(10)", []string{"1Jan", "n"}},
		"times":          {"line", "SELECT toDateTime('2026-01-01 00:00:00', 'UTC') + 3600 * number AS at, 10 + number AS n FROM numbers(24)", []string{"6 AM", "n"}},
		"numbers, lines": {"line", "SELECT intDiv(number, 2) AS x, number % 2 = 0 ? 'even' : 'odd' AS kind, number * number AS y FROM numbers(20)", []string{"x", "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := htmlreport.OfQuery(t.Context(), client, c.mark, c.sql)
			require.NoError(t, err)
			s := show(t, r, 900, "light")
			seen := s.look()
			require.Equal(t, 1, seen.Charts)
			require.Empty(t, seen.Overlaps)
			require.Empty(t, seen.Requests)
			texts := browsertest.Run[[]string](s.Page, `[...document.querySelectorAll(".charts svg text")].map((e) => e.textContent)`)
			require.Subset(t, texts, c.texts)
		})
	}
}

func unique(texts []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, text := range texts {
		if !seen[text] {
			out = append(out, text)
		}
		seen[text] = true
	}
	return out
}
