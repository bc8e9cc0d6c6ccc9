package htmlreport_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers/htmlreport"
)

// The environment of these tests: a folder to write pictures of the pages to, and the file axe.min.js of axe-core.
const (
	picturesEnv = "FACTLOAD_PICTURES"
	axeEnv      = "FACTLOAD_AXE"
)

// chromium is the one browser of these tests, which the first of them starts. There is no network: no name has an address.
var chromium struct {
	sync.Once
	ctx     context.Context
	endTabs context.CancelFunc
	end     context.CancelFunc
	err     error
}

// browser returns Chromium, or skips the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Skip("the page is NOT looked at: there is no chromium (Debian: apt-get install chromium)")
	}
	chromium.Do(func() {
		chromium.ctx, chromium.end = chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program),
			chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"))...)
		chromium.ctx, chromium.endTabs = chromedp.NewContext(chromium.ctx)
		chromium.err = chromedp.Do(chromium.ctx) // starts it
	})
	require.NoError(t, chromium.err)
	return chromium.ctx
}

// endBrowser ends Chromium if it has been started.
func endBrowser() {
	if chromium.ctx != nil {
		chromium.endTabs()
		chromium.end()
	}
}

// shown is a report in a tab of its own.
type shown struct {
	t    *testing.T
	ctx  context.Context
	name string // of pictures

	mu       sync.Mutex
	requests []string // beside the page itself and what is in it
}

// show opens a report in a window of a width, light or dark.
func show(t *testing.T, browser context.Context, r *htmlreport.Report, width int64, scheme string) *shown {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	var html bytes.Buffer
	require.NoError(t, r.WriteHTML(&html))
	require.NoError(t, os.WriteFile(file, html.Bytes(), 0o600))
	s := &shown{t: t, name: strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && e.Request.URL != "file://"+file && !strings.HasPrefix(e.Request.URL, "data:") {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.requests = append(s.requests, e.Request.URL)
		}
	}))
	t.Cleanup(cancel)
	s.ctx = ctx
	s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}), chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+file))
	return s
}

func (s *shown) do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	require.NoError(s.t, chromedp.Do(s.ctx, actions...))
}

// run returns what a script returns.
func run[T any](s *shown, script string, options ...chromedp.EvaluateOption) T {
	s.t.Helper()
	result, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](script, options...))
	require.NoError(s.t, err)
	return result
}

// choose sets a filter, as a person does.
func (s *shown) choose(id, value string) {
	s.t.Helper()
	run[bool](s, fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; return s.dispatchEvent(new Event("change")); })()`, id, value))
}

// picture writes what an action makes to the folder of pictures, if there is one.
func (s *shown) picture(ending string, action chromedp.Action[[]byte]) {
	s.t.Helper()
	dir := os.Getenv(picturesEnv)
	if dir == "" {
		return
	}
	bytes, err := chromedp.Run(s.ctx, action)
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, s.name+ending), bytes, 0o600))
}

// look says what is to be seen.
func (s *shown) look() look {
	s.t.Helper()
	seen := run[look](s, lookScript)
	s.picture(".png", chromedp.FullScreenshot(100))
	s.mu.Lock()
	defer s.mu.Unlock()
	seen.Requests = s.requests
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
	Legend   int // entries of the longest legend

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
}; })()`

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	tabs := browser(t)
	db, client := database(t)
	insertSamples(t, db)
	full, err := htmlreport.Make(t.Context(), client, "")
	require.NoError(t, err)
	for width, scheme := range map[int64]string{400: "light", 900: "dark", 1600: "light"} {
		t.Run(fmt.Sprint(width, " ", scheme), func(t *testing.T) {
			t.Parallel()
			seen := show(t, tabs, full, width, scheme).look()
			require.Empty(t, seen.Requests)
			require.Greater(t, seen.Charts, 20)
			require.Zero(t, seen.Unnamed)
			require.Empty(t, seen.Overlaps)
			require.False(t, seen.Wide)
			require.Empty(t, seen.Empty)
		})
	}
	t.Run("filters", func(t *testing.T) {
		t.Parallel()
		s := show(t, tabs, full, 1000, "light")
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
	tabs := browser(t)
	db, client := database(t)
	insertSample(t, db, "message", 60)
	insertSample(t, db, "eval_result", 60)
	r, err := htmlreport.Make(t.Context(), client, "")
	require.NoError(t, err)
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			requireAccessible(t, show(t, tabs, r, 900, scheme))
		})
	}
	t.Run("printed", func(t *testing.T) {
		t.Parallel()
		s := show(t, tabs, r, 900, "dark")
		pdf, err := chromedp.Run(s.ctx, chromedp.PrintToPDF())
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(pdf, []byte("%PDF")))
		s.picture(".pdf", chromedp.PrintToPDF())
	})
}

// requireAccessible has axe-core look at a page.
func requireAccessible(t *testing.T, s *shown) {
	t.Helper()
	file := os.Getenv(axeEnv)
	if file == "" {
		t.Skipf("accessibility is NOT tested: %s names no axe.min.js (npm install axe-core)", axeEnv)
	}
	axe, err := os.ReadFile(file)
	require.NoError(t, err)
	type violation struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	run[bool](s, `document.querySelectorAll("details").forEach((d) => d.open = true); `+string(axe)+`; true`)
	found := run[[]violation](s, `axe.run(document).then((r) => r.violations)`, chromedp.EvalAwaitPromise)
	for _, v := range found {
		t.Logf("%s (%s): %s, at %d places: %.500s", v.ID, v.Impact, v.Help, len(v.Nodes), fmt.Sprint(v.Nodes[0]))
		require.NotContains(t, []string{"serious", "critical"}, v.Impact, v.Help)
	}
}

// Pages of no rows, of one row, and of more models than there are colours.
func TestPageOfUnusualData(t *testing.T) {
	t.Parallel()
	tabs := browser(t)
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
			seen := show(t, tabs, r, 900, "light").look()
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
	tabs := browser(t)
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
			s := show(t, tabs, r, 900, "light")
			seen := s.look()
			require.Equal(t, 1, seen.Charts)
			require.Empty(t, seen.Overlaps)
			require.Empty(t, seen.Requests)
			texts := run[[]string](s, `[...document.querySelectorAll(".charts svg text")].map((e) => e.textContent)`)
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
