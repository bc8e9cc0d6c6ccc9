package engine

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/browsertest"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/schemas"
)

func TestMain(m *testing.M) {
	code := enginetest.Run(m)
	browsertest.End()
	os.Exit(code)
}

// servedChats is served with messages, and returns its address.
func servedChats(t *testing.T) string {
	t.Helper()
	engine := served(t)
	client, err := clickhouse.Open(engine.HTTPDSN())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	builtins := schemas.Builtins()
	def := builtins[slices.IndexFunc(builtins, func(d schemas.Definition) bool { return d.Schema.Name == "message" })]
	table, err := ddl.NewTable(def.Schema, def.Table)
	require.NoError(t, err)
	require.NoError(t, migrate.New(client).Ensure(t.Context(), table))
	var rows strings.Builder
	_, err = sample.Write(t.Context(), &rows, "message", 2000, 1)
	require.NoError(t, err)
	require.NoError(t, client.InsertFormat(t.Context(), "JSONEachRow", "INSERT INTO message SETTINGS date_time_input_format = 'best_effort'", strings.NewReader(rows.String())))
	at, err := url.Parse(engine.HTTPDSN())
	require.NoError(t, err)
	return "http://" + at.Host
}

// logIn gives a password, presses a button, and waits for what an expression says is to be seen. A script does it: the query
// page makes its elements anew while they are looked for.
func logIn(p *browsertest.Page, password, button, seen string) {
	browsertest.Run[bool](p, fmt.Sprintf(`(document.getElementById("password").value = %q, document.querySelector(%q).click(), true)`, password, button))
	p.Wait(seen)
}

// The start page lists tables and questions, and leads to the query page with everything but the password.
func TestStartPageInBrowser(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	at := servedChats(t)
	for width, scheme := range map[int64]string{400: "light", 900: "dark", 1600: "light"} {
		t.Run(fmt.Sprint(width, " ", scheme), func(t *testing.T) {
			t.Parallel()
			p := browsertest.Open(t, at+"/", width, scheme)
			logIn(p, "wrong", "#login button", `document.getElementById("said").textContent.includes("AUTHENTICATION_FAILED")`)
			require.Equal(t, 0, browsertest.Run[int](p, `document.querySelectorAll("tbody tr").length`))
			logIn(p, "a reader's password", "#login button", `!document.getElementById("tables").hidden`)
			p.Picture()
			require.False(t, browsertest.Run[bool](p, `document.documentElement.scrollWidth > innerWidth`), "it fits into %d pixels", width)
			p.RequireAccessible()
		})
	}
	t.Run("report without a password", func(t *testing.T) {
		t.Parallel()
		browsertest.Open(t, at+"/report", 900, "dark").RequireAccessible()
	})
	t.Run("links", func(t *testing.T) {
		t.Parallel()
		p := browsertest.Open(t, at+"/", 900, "light")
		logIn(p, "a reader's password", "#login button", `!document.getElementById("tables").hidden`)
		require.ElementsMatch(t, [][]string{{"things", "3"}, {"message", "2,000"}},
			browsertest.Run[[][]string](p, `[...document.querySelectorAll("#tables tbody tr")].map(r => [r.cells[0].textContent, r.cells[1].textContent])`))
		questions := browsertest.Run[[][]string](p, `[...document.querySelectorAll("#questions a")].map(a => [a.textContent, a.getAttribute("href")])`)
		require.Equal(t, []string{"Latency", "/report#latency"}, questions[0])
		for _, q := range questions {
			require.NotContains(t, q[0], "Abandoned", "there are no conversations")
		}
		for _, sql := range []string{"SELECT * FROM `message` LIMIT 100", "quantileExactWeighted"} {
			link := `[...document.querySelectorAll("td a")].find(a => atob(a.hash.slice(1)).includes(` + "`" + strings.ReplaceAll(sql, "`", "\\`") + "`" + `)).href`
			play := browsertest.Open(t, browsertest.Run[string](p, link), 900, "light")
			require.Equal(t, "analyst", browsertest.Run[string](play, `document.getElementById("user").value`))
			require.Contains(t, browsertest.Run[string](play, `document.getElementById("query").value`), sql)
			// The answer is in elements of the page's own, which are asked one by one.
			logIn(play, "a reader's password", "#run", `(function seen(root) { return root.textContent.includes("atlas-mini") || [...root.querySelectorAll("*")].some(e => e.shadowRoot && seen(e.shadowRoot)); })(document.body)`)
		}
	})
}

// The live report asks this server alone, and is filtered as one in a file.
func TestLiveReportInBrowser(t *testing.T) {
	t.Parallel()
	browsertest.Need(t)
	at := servedChats(t)
	p := browsertest.Open(t, at+"/report#latency", 900, "light")
	require.Empty(t, browsertest.Run[string](p, `document.getElementById("answers").textContent`), "nothing without a password")
	logIn(p, "wrong", "#login button", `document.getElementById("said").textContent.includes("AUTHENTICATION_FAILED")`)
	logIn(p, "a reader's password", "#login button", `document.querySelectorAll(".charts svg").length > 5`)
	require.Empty(t, browsertest.Run[string](p, `document.getElementById("said").textContent`))
	require.Equal(t, []string{"the whole time", "the last 7 days", "the last day"}, browsertest.Run[[]string](p, `[...document.getElementById("window").options].map(o => o.text)`))
	rows := func() int { return browsertest.Run[int](p, `document.querySelectorAll("#latency tbody tr").length`) }
	all := rows()
	browsertest.Run[bool](p, `(() => { const s = document.getElementById("project"); s.value = "docs"; return s.dispatchEvent(new Event("change")); })()`)
	require.Less(t, rows(), all)
	require.NotZero(t, rows())
	p.Picture()
	for _, request := range p.Requests() {
		require.True(t, strings.HasPrefix(request, at+"/?default_format="), request)
	}
}
