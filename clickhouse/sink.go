package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/groupcommit"
	"github.com/factload/factload/clickhouse/internal/retry"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// tableSink is the table of one schema.
type tableSink struct {
	m     *Materializer
	entry *schemaEntry
}

var _ groupcommit.Sink = (*tableSink)(nil)

// limit bounds one conversation with the server.
func (s *tableSink) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return chconn.WithTimeout(ctx, "InsertTimeout", s.m.timeout)
}

// Insert inserts. It changes no table that exists: a table that is missing, since
// somebody has dropped it, is created.
func (s *tableSink) Insert(ctx context.Context, rows *block.Block, token string, again bool) error {
	return s.m.late.retryable(s.insert(ctx, rows, token, again))
}

func (s *tableSink) insert(ctx context.Context, rows *block.Block, token string, again bool) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	if err := s.m.ensure(ctx, s.entry); err != nil {
		return err
	}
	in := insert.Insert{Table: s.entry.table.Name, Block: rows, Token: token, Again: again, Settings: s.m.settings}
	err := s.m.inserter.Insert(ctx, in)
	if !errors.Is(err, ErrSchema) {
		return err
	}
	created, failed := s.m.migrator.Create(ctx, s.entry.table)
	switch {
	case failed != nil:
		return failed
	case !created:
		return err
	}
	return s.m.inserter.Insert(ctx, in)
}

// insertSettings are for the server that has not received all of an insert:
// once the client has given up on it, nothing more will come.
func insertSettings(timeout time.Duration) map[string]string {
	seconds := int(timeout/time.Second) + 1
	return map[string]string{"receive_timeout": strconv.Itoa(seconds)}
}

// settlePause is how often settle looks.
const settlePause = 50 * time.Millisecond

// Settle waits for the inserts that the server is busy with now. It sees those
// of this user, and of others if it may.
func (s *tableSink) Settle(ctx context.Context) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	before, err := s.running(ctx)
	for ; err == nil && len(before) > 0; before, err = s.stillRunning(ctx, before) {
		if !retry.Sleep(ctx, settlePause) {
			return &Error{
				Op: s.op("look into"), Class: ErrRetryable,
				Text: "an earlier insert is still running", Cause: context.Cause(ctx),
			}
		}
	}
	return err
}

func (s *tableSink) stillRunning(ctx context.Context, before map[string]bool) (map[string]bool, error) {
	now, err := s.running(ctx)
	for id := range before {
		if !now[id] {
			delete(before, id)
		}
	}
	return before, err
}

// running returns the query IDs of the inserts into the table. Its question and that of lookUp are
// answered with one row, so that an answer which ended early is not taken for one that found nothing.
func (s *tableSink) running(ctx context.Context) (map[string]bool, error) {
	out := make(map[string]bool)
	err := s.everywhere(ctx, func(at insert.Place) error {
		ids, err := chconn.One[[]string](ctx, at.Client, s.op("look into"), `SELECT groupArray(query_id) FROM system.processes
WHERE current_database = currentDatabase() AND startsWith(query_id, {prefix:String})`,
			Param("prefix", insert.QueryIDPrefix(at.Table)))
		for _, id := range ids {
			out[id] = true
		}
		return err
	})
	return out, err
}

// everywhere asks each table that keeps rows of the schema, which are those of the shards
// if there are any.
func (s *tableSink) everywhere(ctx context.Context, ask func(insert.Place) error) error {
	places, err := s.m.inserter.Places(ctx, s.entry.table.Name)
	for i := 0; err == nil && i < len(places); i++ {
		err = ask(places[i])
	}
	return err
}

// lookedUp is the table of IDs that goes beside a statement.
const lookedUp = "factload_looked_up"

// Stored asks by one statement, since each of them reads the table's IDs.
func (s *tableSink) Stored(ctx context.Context, ids []string) (map[string]bool, error) {
	field, ok := s.entry.schema.FactIDField()
	if !ok {
		return nil, errNoFactID(s.entry.schema.Name)
	}
	have, err := s.lookUp(ctx, field, ids)
	if err != nil {
		return nil, s.m.late.retryable(err)
	}
	return have, nil
}

func (s *tableSink) lookUp(ctx context.Context, field fact.Field, ids []string) (map[string]bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	if err := s.m.ensure(ctx, s.entry); err != nil {
		return nil, err
	}
	asking, err := chconn.WithValues(ctx, lookedUp, ids)
	if err != nil {
		return nil, err
	}
	value := "value"
	if field.Type == fact.UUID {
		value = "toUUID(value)"
	}
	column := ddl.QuoteIdent(field.Name)
	have := make(map[string]bool, len(ids))
	err = s.everywhere(asking, func(at insert.Place) error {
		sql := fmt.Sprintf("SELECT groupUniqArray(toString(%s)) FROM %s WHERE %s IN (SELECT %s FROM %s)",
			column, ddl.QuoteIdent(at.Table), column, value, lookedUp)
		found, err := chconn.One[[]string](at.Reading(asking), at.Client, s.op("look into"), sql)
		for _, id := range found {
			have[id] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return have, nil
}

func (s *tableSink) Adopt(ctx context.Context, rows *block.Block) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	return s.m.inserter.AdoptRows(ctx, s.entry.table.Name, rows)
}

func (s *tableSink) Complete(ctx context.Context, rows *block.Block) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	return s.m.inserter.CompleteViews(ctx, s.entry.table.Name, rows)
}

func (s *tableSink) Parts(ctx context.Context) (int, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	most := uint64(0)
	err := s.everywhere(ctx, func(at insert.Place) error {
		var parts []uint64
		err := at.Client.SelectAs(ctx, s.op("count the parts of"), &parts, `SELECT max(n) FROM
(SELECT count() AS n FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String} GROUP BY partition_id)`,
			Param("table", at.Table))
		for _, n := range parts {
			most = max(most, n)
		}
		return err
	})
	return int(most), err
}

func (s *tableSink) op(what string) string {
	return fmt.Sprintf("%s table %q", what, s.entry.table.Name)
}

// errNoFactID says that rows of a schema cannot be told apart.
func errNoFactID(schema string) error {
	return chconn.SchemaError(fmt.Errorf("schema %q has no field that carries the fact's ID (fact_id), so nobody can tell which facts its table has", schema))
}
