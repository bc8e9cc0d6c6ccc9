package bulk

import (
	"context"
	"fmt"
	"strings"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

const windowSetting = "non_replicated_deduplication_window"

// warnOfWindows warns when a table keeps no deduplication window, or the target
// of a materialized view that its rows come to. The targets of views that read
// another database's tables are not looked for.
func warnOfWindows(ctx context.Context, s server, table *ddl.Table, warn func(string)) error {
	if !deduplicates(table.Engine, table.Settings[windowSetting]) {
		warn(withoutWindow(ddl.TableName{Name: table.Name}, ""))
	}
	return warnOfViews(ctx, s, table, warn, make(map[viewTarget]bool))
}

// viewTarget is a table that a materialized view inserts into.
type viewTarget struct {
	Database string `ch:"database"`
	Name     string `ch:"name"`
	Engine   string `ch:"engine"`
	Window   string `ch:"window"`
	// Here means that the table is in the database of the connection.
	Here bool `ch:"here"`
}

// viewTargetSQL finds the target of a view. One that is not named is a table
// named after the view's UUID.
const viewTargetSQL = `SELECT database, name, engine, extract(engine_full, '` + windowSetting + ` = (\\d+)') AS window, database = currentDatabase() AS here
FROM system.tables
WHERE database = if({database:String} = '', currentDatabase(), {database:String})
	AND name = if({table:String} = '', (SELECT '.inner_id.' || toString(any(uuid)) FROM system.tables WHERE database = currentDatabase() AND name = {view:String}), {table:String})`

func warnOfViews(ctx context.Context, s server, table *ddl.Table, warn func(string), seen map[viewTarget]bool) error {
	for _, v := range table.Views {
		var targets []viewTarget
		err := s.Select(ctx, &targets, viewTargetSQL,
			chconn.Param("database", v.To.Database), chconn.Param("table", v.To.Name), chconn.Param("view", v.Name))
		if err != nil {
			return err
		}
		for _, target := range targets {
			if seen[target] {
				continue
			}
			seen[target] = true
			name := ddl.TableName{Name: target.Name}
			if !target.Here {
				name.Database = target.Database
			}
			if !deduplicates(target.Engine, target.Window) {
				warn(withoutWindow(name, v.Name))
			}
			if !target.Here {
				continue
			}
			next, err := s.Inspect(ctx, target.Name)
			if err != nil {
				return err
			}
			if next == nil {
				continue
			}
			if err := warnOfViews(ctx, s, next, warn, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutWindow says what it means that a table keeps no deduplication window.
// View is the materialized view by which rows come to it, or empty.
func withoutWindow(table ddl.TableName, view string) string {
	which := fmt.Sprintf("table %q", table)
	if view != "" {
		which += fmt.Sprintf(", which materialized view %q inserts into,", view)
	}
	sql := ddl.QuoteIdent(table.Name)
	if table.Database != "" {
		sql = ddl.QuoteIdent(table.Database) + "." + sql
	}
	return fmt.Sprintf("%s keeps no deduplication window: if a load is interrupted, the rows of the chunks under way may be stored twice when it is run again; "+
		"ALTER TABLE %s MODIFY SETTING %s = 10000 fixes that", which, sql, windowSetting)
}

// deduplicates reports whether a table of an engine ignores an insert that is
// repeated with its token. Of engines that are not MergeTree it is not known.
func deduplicates(engine, window string) bool {
	if !strings.Contains(engine, "MergeTree") || strings.HasPrefix(engine, "Replicated") || strings.HasPrefix(engine, "Shared") {
		return true
	}
	return window != "" && window != "0"
}
