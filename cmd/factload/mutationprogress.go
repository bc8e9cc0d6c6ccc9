package main

import (
	"fmt"
	"time"

	"github.com/factload/factload/clickhouse/migrate"
)

// mutationProgress returns what shows how far the server has come with rewriting
// a table: a line that is written over on a terminal, and a log line every ten
// seconds elsewhere.
func (a *app) mutationProgress() func(migrate.MutationProgress) {
	p := newProgress(a.err, a.log, isTerminal(a.err))
	return func(now migrate.MutationProgress) {
		switch {
		case now.Done:
			p.clear()
			p.logged = 0
		case p.terminal:
			p.redraw(mutationLine(now))
		case now.Elapsed-p.logged >= logEvery:
			p.logged = now.Elapsed
			a.log.Info("rewriting", "table", now.Table, "parts_left", now.PartsLeft, "parts", now.Parts, "elapsed", now.Elapsed.Round(time.Second).String())
		}
	}
}

func mutationLine(now migrate.MutationProgress) string {
	return fmt.Sprintf("table %s: %d of %s rewritten, %s", now.Table, now.Parts-now.PartsLeft, countText(int(now.Parts), "part"), now.Elapsed.Round(time.Second))
}
