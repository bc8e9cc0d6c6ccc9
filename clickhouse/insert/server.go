package insert

import (
	"context"

	"github.com/factload/factload/clickhouse/chconn"
)

// server is what inserts have to know of a server. It stays as it is until the server
// starts again.
type server struct {
	host    string
	started int64 // Unix time, give or take a second
	// window is the deduplication window of tables that do not say theirs.
	window string
	// oneSwitch means that the server has the setting that overrules all others
	// that switch deduplication on and off, which came with ClickHouse 26.2.
	oneSwitch bool
}

const lookServerSQL = `SELECT
	(SELECT any(value) FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window') AS window,
	(SELECT count() FROM system.settings WHERE name = 'deduplicate_insert') > 0 AS one_switch`

// serverWithSlot returns what is known of a server, which is asked if it is another one
// than the last, or has been started again. It is for who has a connection slot.
func (ins *Inserter) serverWithSlot(ctx context.Context, host string, started int64) (server, error) {
	ins.generations.mu.Lock()
	known := ins.generations.server
	ins.generations.mu.Unlock()
	if known.host == host && max(known.started, started)-min(known.started, started) <= 1 {
		return known, nil
	}
	var rows []struct {
		Window    string `ch:"window"`
		OneSwitch bool   `ch:"one_switch"`
	}
	if err := ins.client.SelectWithSlot(ctx, "look at the server", &rows, lookServerSQL); err != nil {
		return server{}, err
	}
	if len(rows) != 1 {
		return server{}, chconn.Incomplete("look at the server")
	}
	known = server{host: host, started: started, window: rows[0].Window, oneSwitch: rows[0].OneSwitch}
	ins.generations.mu.Lock()
	defer ins.generations.mu.Unlock()
	ins.generations.server = known
	return known, nil
}
