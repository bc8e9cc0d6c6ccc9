package browsertest

import (
	"fmt"
	"os"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// axeEnv names the file axe.min.js of axe-core.
const axeEnv = "FACTLOAD_AXE"

// RequireAccessible has axe-core look at the page, with all that unfolds. Without axe-core the test is skipped.
func (p *Page) RequireAccessible() {
	p.t.Helper()
	file := os.Getenv(axeEnv)
	if file == "" {
		p.t.Skipf("accessibility is NOT tested: %s names no axe.min.js (npm install axe-core)", axeEnv)
	}
	axe, err := os.ReadFile(file)
	require.NoError(p.t, err)
	type violation struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	Run[bool](p, `document.querySelectorAll("details").forEach((d) => d.open = true); `+string(axe)+`; true`)
	found := Run[[]violation](p, `axe.run(document).then((r) => r.violations)`, chromedp.EvalAwaitPromise)
	for _, v := range found {
		p.t.Logf("%s (%s): %s, at %d places: %.500s", v.ID, v.Impact, v.Help, len(v.Nodes), fmt.Sprint(v.Nodes[0]))
		require.NotContains(p.t, []string{"serious", "critical"}, v.Impact, v.Help)
	}
}
