package erase

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// forgetMutations removes what the server keeps of mutations that are done: somebody may
// have named the subject in the condition of an UPDATE. Those of replicated tables are in
// Keeper, and other replicas may still have to follow them.
func (t table) forgetMutations(ctx context.Context) error {
	if t.replicated {
		return nil
	}
	return t.exec(ctx, "KILL MUTATION WHERE database = currentDatabase() AND table = {table:String} AND is_done SYNC", chconn.Param("table", t.name))
}

// poll is how often the server is asked whether it is done.
const poll = 100 * time.Millisecond

// until asks again and again until the answer is yes.
func until(ctx context.Context, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mutated waits until the server has rewritten the parts of a table.
func (t table) mutated(ctx context.Context) error {
	return until(ctx, func() (bool, error) {
		var left []string // why each has failed the last time
		err := t.client.SelectAs(ctx, "mutations", &left, `SELECT latest_fail_reason FROM system.mutations
			WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done`, chconn.Param("table", t.name))
		for _, reason := range left {
			if reason != "" {
				return false, fmt.Errorf("the server cannot delete the rows: %s", reason)
			}
		}
		return len(left) == 0, err
	})
}

// dropOldParts waits until the server has removed the parts that are not used any
// more. It would keep them for some minutes.
func (e *eraser) dropOldParts(ctx context.Context, t table) error {
	gone := func() (bool, error) {
		// There is no such partition; the server looks for parts to remove on the way.
		if err := t.exec(ctx, "ALTER TABLE "+ddl.QuoteIdent(t.name)+" DROP PARTITION ID 'factload-none'"); err != nil {
			return false, err
		}
		n, err := t.count(ctx, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND NOT active",
			chconn.Param("table", t.name))
		return n == 0, err
	}
	own, err := e.ownLifetime(ctx, t)
	if err != nil {
		return err
	}
	if err := t.setLifetime(ctx, "0"); err != nil {
		return err
	}
	return errors.Join(until(ctx, gone), t.setLifetime(context.WithoutCancel(ctx), own))
}

const lifetime = "old_parts_lifetime"

// ownLifetime returns how long the table keeps old parts, as it was said when the first
// run began: "" is the server's default.
func (e *eraser) ownLifetime(ctx context.Context, t table) (string, error) {
	memory := ddl.QuoteIdent(e.memory())
	kind := chconn.Param("kind", lifetime+" of "+t.name)
	n, err := t.count(ctx, "SELECT count() FROM "+memory+" WHERE kind = {kind:String}", kind)
	if err == nil && n == 0 {
		err = t.exec(ctx, "INSERT INTO "+memory+" SELECT {kind:String}, extract(engine_full, '"+lifetime+` = .?([0-9]+)')
			FROM system.tables WHERE database = currentDatabase() AND name = {table:String}`, kind, chconn.Param("table", t.name))
	}
	if err != nil {
		return "", err
	}
	var own []string
	err = t.client.SelectAs(ctx, lifetime, &own, "SELECT value FROM "+memory+" WHERE kind = {kind:String} LIMIT 1", kind)
	if err != nil || len(own) == 0 || own[0] == "" {
		return "", err
	}
	_, err = strconv.Atoi(own[0])
	return own[0], err
}

// setLifetime sets how long the table keeps old parts.
func (t table) setLifetime(ctx context.Context, value string) error {
	alter := "ALTER TABLE " + ddl.QuoteIdent(t.name)
	if value != "" {
		return t.exec(ctx, alter+" MODIFY SETTING "+lifetime+" = "+value)
	}
	n, err := t.count(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {table:String} AND engine_full LIKE '%"+lifetime+"%'",
		chconn.Param("table", t.name))
	if err != nil || n == 0 {
		return err
	}
	return t.exec(ctx, alter+" RESET SETTING "+lifetime)
}
