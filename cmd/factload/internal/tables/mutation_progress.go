package tables

import (
	"fmt"
	"time"

	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// mutationProgress returns what shows how far the server has come with rewriting
// a table: a line that is written over on a terminal, and a log line every ten
// seconds elsewhere.
func mutationProgress(a *cli.App) func(migrate.MutationProgress) {
	var logged time.Duration
	return func(now migrate.MutationProgress) {
		switch {
		case now.Done:
			a.Err.Set("")
			logged = 0
		case show.IsTerminal(a.Err):
			a.Err.Set(mutationLine(now))
		case now.Elapsed-logged >= show.LogEvery:
			logged = now.Elapsed
			a.Log.Info("rewriting", "table", now.Table, "parts_left", now.PartsLeft, "parts", now.Parts, "elapsed", now.Elapsed.Round(time.Second).String())
		}
	}
}

func mutationLine(now migrate.MutationProgress) string {
	return fmt.Sprintf("table %s: %d of %s rewritten, %s", now.Table, now.Parts-now.PartsLeft, show.Count(int(now.Parts), "part"), now.Elapsed.Round(time.Second))
}
