package engine

import (
	"context"
	"fmt"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/ddl"
)

// rights are what loads and services that manage their tables need, each with what it is for.
var rights = []struct{ right, on, purpose string }{
	{"SELECT", "database", "read tables, and the ledger of loads"},
	{"INSERT", "database", "store rows"},
	{"CREATE TABLE", "database", "create tables"},
	{"ALTER TABLE", "database", "change tables as their schemas do"},
	{"DROP TABLE", "database", "finish a rebuild of a table"},
	{"SELECT", "system.tables", "look at tables"},
	{"SELECT", "system.columns", "look at columns"},
	{"SELECT", "system.parts", "see the parts that inserts have made"},
}

func rightsChecks() []check {
	return []check{{"rights", "the user has the rights that loads and services need", checkRights}}
}

func checkRights(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
	for _, r := range rights {
		on := r.on
		if on == "database" {
			on = ddl.QuoteIdent(client.Database()) + ".*"
		}
		var granted []uint8
		if err := client.Select(ctx, &granted, "CHECK GRANT "+r.right+" ON "+on); err != nil {
			return nil, err
		}
		if len(granted) != 1 || granted[0] == 0 {
			found = append(found, finding{
				Found:  fmt.Sprintf("the user may not %s: the right %s on %s is missing", r.purpose, r.right, on),
				Advice: "GRANT " + r.right + " ON " + on + " TO the user, unless it is one who only reads",
			})
		}
	}
	return found, nil
}
