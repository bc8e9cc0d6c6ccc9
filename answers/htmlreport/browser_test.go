package htmlreport_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers/htmlreport"
)

// browser finds Chromium, or skips the test.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("the page is NOT looked at: there is no chromium (Debian: apt-get install chromium)")
	return ""
}

// inBrowser shows a report in a window of that width, runs a script in it, and decodes what the script returns. There is
// no network: no name has an address.
func inBrowser(t *testing.T, r *htmlreport.Report, width int, script string, result any) {
	t.Helper()
	dir := t.TempDir()
	var page bytes.Buffer
	require.NoError(t, r.WriteHTML(&page))
	fmt.Fprintf(&page, `<pre id="result"></pre><script>
const set = (id, value) => { const s = document.getElementById(id); s.value = value; s.dispatchEvent(new Event("change")); };
try { document.getElementById("result").textContent = JSON.stringify((() => { %s })()); } catch (e) { document.getElementById("result").textContent = JSON.stringify({error: String(e)}); }
</script>`, script)
	file := filepath.Join(dir, "page.html")
	require.NoError(t, os.WriteFile(file, page.Bytes(), 0o600))
	cmd := exec.CommandContext(t.Context(), browser(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+filepath.Join(dir, "profile"), fmt.Sprintf("--window-size=%d,900", width),
		"--virtual-time-budget=2000", "--dump-dom", "file://"+file)
	dom, err := cmd.Output()
	require.NoError(t, err)
	found := regexp.MustCompile(`(?s)<pre id="result">(.*?)</pre>`).FindSubmatch(dom)
	require.NotNil(t, found, "the page has run its script")
	require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(string(found[1]))), result), "%s", found[1])
}

// look is what is seen of a page.
type look struct {
	Error    string
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
}

const lookScript = `
const boxes = (svg) => [...svg.querySelectorAll("g[data-part$='tick label'] text, g[data-part$='axis label'] text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
const overlaps = [];
for (const svg of document.querySelectorAll(".charts svg")) {
  const all = boxes(svg).filter(([text]) => text);
  all.forEach(([a, p], i) => all.slice(i + 1).forEach(([b, q]) => {
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 2 && q.top < p.bottom - 2) overlaps.push(a + " / " + b + " in " + svg.getAttribute("aria-label"));
  }));
}
return {
  Requests: performance.getEntriesByType("resource").map((e) => e.name),
  Charts: document.querySelectorAll(".charts svg").length,
  Unnamed: [...document.querySelectorAll(".charts svg, .scroll, section")].filter((e) => !e.getAttribute("aria-label")).length
    + [...document.querySelectorAll("select")].filter((e) => !e.labels.length).length,
  Overlaps: overlaps, Wide: document.documentElement.scrollWidth > innerWidth,
  Empty: [...document.querySelectorAll(".empty")].map((e) => e.textContent), Notes: [...document.querySelectorAll(".note")].map((e) => e.textContent),
  Projects: [...new Set([...document.querySelectorAll("tbody tr td:first-child")].map((e) => e.textContent))].sort(),
  Rows: document.querySelectorAll("tbody tr").length, Legend: Math.max(0, ...[...document.querySelectorAll(".legend")].map((e) => e.children.length)),
};`

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	browser(t)
	db, client := database(t)
	insertSamples(t, db)
	full, err := htmlreport.Make(t.Context(), client, "")
	require.NoError(t, err)
	for _, width := range []int{500, 900, 1600} { // a headless window is 500 wide at least
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			var seen look
			inBrowser(t, full, width, lookScript, &seen)
			require.Empty(t, seen.Error)
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
		var all, one, day look
		inBrowser(t, full, 1000, lookScript, &all)
		inBrowser(t, full, 1000, `set("project", "docs"); set("model", "atlas-mini");`+lookScript, &one)
		inBrowser(t, full, 1000, `set("window", "2"); set("theme", "dark");`+lookScript, &day)
		require.Subset(t, all.Projects, []string{"agents", "docs", "support"})
		require.Equal(t, []string{"docs"}, one.Projects)
		require.Less(t, one.Rows, all.Rows/4)
		require.Equal(t, []string{"No rows with these filters."}, unique(one.Empty), "evals have no project docs")
		require.Less(t, day.Rows, all.Rows)
		require.NotZero(t, day.Charts)
	})
}

// Pages of no rows, of one row, and of more models than there are colours.
func TestPageOfUnusualData(t *testing.T) {
	t.Parallel()
	browser(t)
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
			var seen look
			inBrowser(t, r, 900, lookScript, &seen)
			require.Empty(t, seen.Error)
			require.Empty(t, seen.Requests)
			require.Zero(t, seen.Unnamed)
			require.Empty(t, seen.Overlaps)
			require.False(t, seen.Wide)
			c.check(t, seen)
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
