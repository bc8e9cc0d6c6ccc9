package answers_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The queries of the dashboard in docs/grafana.json are ones that the tables answer. What Grafana replaces is replaced as
// its data source documents it.
func TestGrafanaQueries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/grafana.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RawSQL string }
		}
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	d := randomData(3)
	db, _ := database(t, d)
	macros := strings.NewReplacer("$__timeFilter(created_at)", "created_at >= toDateTime(0) AND created_at <= now()", "$__timeInterval(created_at)", "toStartOfInterval(toDateTime(created_at), INTERVAL 60 second)",
		"${project:singlequote}", "'p','q'")
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			require.NotEmpty(t, db.Query(t, macros.Replace(target.RawSQL)), panel.Title)
		}
	}
	require.Equal(t, "project", dashboard.Templating.List[1].Name)
	require.Equal(t, "p\nq", db.Query(t, "SELECT * FROM ("+dashboard.Templating.List[1].Query+") ORDER BY project"))
}
