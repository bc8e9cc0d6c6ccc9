package insert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// A Distributed table keeps no rows. An insert into one is divided by the sharding key,
// as the server would divide it, and goes straight to the tables of the shards, each of
// which is then a table like any other: its deduplication, its rebuilds and the look for
// its rows are its own. The same block is always divided in the same way, as long as
// the cluster and the key stay as they are.

// spread is where the rows of a Distributed table are.
type spread struct {
	ddl.Distributed
	shards []shard
	slots  []int             // the shard of each remainder of the sharding key
	types  map[string]string // of the table's columns
	at     time.Time
}

// shard is the local table of a shard.
type shard struct {
	hosts    string
	inserter *Inserter
}

// Place is a table that keeps rows, and a Client for the server that it is on.
type Place struct {
	Client *chconn.Client
	Table  string
	// Replicated means that several servers share its rows.
	Replicated bool
}

// Reading returns the context for a question whose answer decides whether rows are inserted: of
// servers that share the rows, the one that answers must not be behind. See docs/cluster.md for
// what that takes.
func (p Place) Reading(ctx context.Context) context.Context {
	if !p.Replicated {
		return ctx
	}
	return chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"select_sequential_consistency": 1}))
}

// Places returns where the rows of a table are: it is the table itself, or for a
// Distributed table the local ones of all shards.
func (ins *Inserter) Places(ctx context.Context, table string) ([]Place, error) {
	to, err := ins.spreadOf(ctx, table)
	if err != nil {
		return nil, err
	}
	if to == nil {
		seen, err := ins.generation(ctx, table)
		return []Place{{ins.client, table, seen.replicated}}, err
	}
	var out []Place
	for _, s := range to.shards {
		seen, err := s.inserter.generation(ctx, to.Local)
		if err != nil {
			return nil, onShard(s, err)
		}
		out = append(out, Place{s.inserter.client, to.Local, seen.replicated})
	}
	return out, nil
}

// spreadOf returns where the rows of a Distributed table are, and nil for any other table.
func (ins *Inserter) spreadOf(ctx context.Context, table string) (*spread, error) {
	seen, err := ins.generation(ctx, table)
	if err != nil || seen.distributed == nil {
		return nil, err
	}
	ins.mu.Lock()
	known := ins.spreads[table]
	ins.mu.Unlock()
	if known != nil && known.Distributed == *seen.distributed && time.Since(known.at) < ins.generations.fresh {
		return known, nil
	}
	to, err := ins.lookAtShards(ctx, table, *seen.distributed)
	if err != nil {
		return nil, err
	}
	ins.mu.Lock()
	defer ins.mu.Unlock()
	if ins.spreads == nil {
		ins.spreads = make(map[string]*spread)
	}
	ins.spreads[table] = to
	return to, nil
}

// lookAtShards asks the server for the shards. What would break a promise is refused.
func (ins *Inserter) lookAtShards(ctx context.Context, table string, d ddl.Distributed) (*spread, error) {
	to := &spread{Distributed: d, types: make(map[string]string), at: time.Now()}
	refused := func(format string, args ...any) error {
		return chconn.SchemaError(fmt.Errorf("insert into %q, which is spread over shards: "+format, append([]any{table}, args...)...))
	}
	if err := d.CheckKey(); err != nil {
		return nil, refused("the sharding key %w", err)
	}
	keys, err := ins.tableKeys(ctx, Insert{Table: table})
	if err != nil {
		return nil, err
	}
	if keys == nil || keys.Database != d.Database {
		return nil, refused("the local tables are in the database %q, and must be in that of the table", d.Database)
	}
	for name, column := range keys.columns {
		to.types[name] = column.Type
	}
	shards, err := ins.client.Cluster(ctx, d.Cluster)
	if err != nil {
		return nil, err
	}
	for i, s := range shards {
		client, err := ins.client.At(s.Hosts...)
		if err != nil {
			return nil, err
		}
		to.shards = append(to.shards, shard{hosts: strings.Join(s.Hosts, ","), inserter: ins.on(client)})
		to.slots = append(to.slots, slices.Repeat([]int{i}, int(s.Weight))...)
		if len(s.Hosts) > 1 {
			if err := ins.checkReplicated(ctx, client, d.Local); err != nil {
				return nil, refused("shard %d has the replicas %q: %w", s.Number, s.Hosts, err)
			}
		}
	}
	if len(to.slots) == 0 {
		return nil, refused("no shard of the cluster %q has a weight", d.Cluster)
	}
	return to, nil
}

// checkReplicated says that a table is not shared by the replicas of its shard.
func (ins *Inserter) checkReplicated(ctx context.Context, client *chconn.Client, table string) error {
	var engine []string
	err := client.SelectAs(ctx, "look at the shards", &engine, "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = {table:String}", chconn.Param("table", table))
	if err == nil && len(engine) == 1 && losesParts(engine[0]) {
		return fmt.Errorf("the table %q is not replicated, so that each row would be on one of them alone", table)
	}
	return err
}

// on returns the Inserter for the connections of another Client. It is the same one each
// time, since it remembers what it is in doubt of.
func (ins *Inserter) on(client *chconn.Client) *Inserter {
	ins.mu.Lock()
	defer ins.mu.Unlock()
	if ins.others == nil {
		ins.others = make(map[*chconn.Client]*Inserter)
	}
	if ins.others[client] == nil {
		ins.others[client] = New(client)
		ins.others[client].generations.fresh = ins.generations.fresh
	}
	return ins.others[client]
}

// insertShards inserts each shard's rows into its table. What one shard refuses does not keep the
// others from taking theirs.
func (ins *Inserter) insertShards(ctx context.Context, op string, in Insert, to *spread) error {
	parts, err := ins.divideByShard(ctx, in.Table, in.Block, to)
	if err != nil {
		return ins.client.Fail(ctx, op, err, chconn.Unsent)
	}
	if err := to.check(ctx, op, parts); err != nil {
		return ins.client.Fail(ctx, op, err, chconn.Unsent)
	}
	in.Table, in.PartsDone, in.OnPart = to.Local, 0, nil
	err = to.each(parts, func(s shard, part *block.Block) error {
		one := in
		one.Block = part
		return s.inserter.insertUnsettled(ctx, op, one)
	})
	if err == nil {
		for _, s := range to.shards { // not before: a shard that has its rows is rebuilt, while another one's are repeated
			s.inserter.settle(in)
		}
	}
	return err
}

// check returns an error when rows of several shards break a CHECK constraint of one of
// them. Of a block that is refused none is stored then, as on one server, which is asked by nobody else.
func (to *spread) check(ctx context.Context, op string, parts []*block.Block) error {
	errs := make([]error, len(parts))
	var wait sync.WaitGroup
	filled := 0
	for _, part := range parts {
		filled += min(part.Rows(), 1)
	}
	for i, part := range parts {
		if part.Rows() > 0 && filled > 1 {
			wait.Go(func() { errs[i] = to.shards[i].check(ctx, op, to.Local, part) })
		}
	}
	wait.Wait()
	return cmp.Or(errs...)
}

func (s shard) check(ctx context.Context, op, table string, rows *block.Block) error {
	seen, err := s.inserter.generation(ctx, table)
	if err != nil {
		return onShard(s, err)
	}
	if !seen.checks {
		return nil
	}
	broken, err := s.inserter.Violations(ctx, Insert{Table: table, Block: rows})
	if err != nil {
		return onShard(s, err)
	}
	if len(broken) == 0 {
		return nil
	}
	return onShard(s, &chconn.Error{
		Op: op, Class: chconn.ErrRejected, Code: chconn.CodeViolatedConstraint, Name: "VIOLATED_CONSTRAINT",
		Text: fmt.Sprintf("constraint %q of the table %q is violated by %d rows: %s", broken[0].Check.Name, table, len(broken), broken[0].Check.Expr),
	})
}

// each calls do for each shard that has rows, all at once, and makes one error of theirs.
func (to *spread) each(parts []*block.Block, do func(shard, *block.Block) error) error {
	errs := make([]error, len(parts))
	var wait sync.WaitGroup
	for i, part := range parts {
		if part.Rows() > 0 {
			wait.Go(func() { errs[i] = do(to.shards[i], part) })
		}
	}
	wait.Wait()
	var first error
	stored, doubtful, alike := false, false, true
	for i, err := range errs {
		switch {
		case parts[i].Rows() == 0:
			continue
		case err == nil:
			stored = true
			continue
		case first == nil:
			first = onShard(to.shards[i], err)
		}
		var e *chconn.Error
		doubtful = doubtful || errors.As(err, &e) && e.Partial
		alike = alike && classOf(err) == classOf(first) //nolint:errorlint // they are classes
	}
	if first == nil || !stored && !doubtful && alike {
		return first
	}
	out := chconn.Error{Op: "insert", Text: first.Error(), Cause: first}
	if e, ok := errors.AsType[*chconn.Error](first); ok {
		out = *e
	}
	out.Class, out.Partial = chconn.ErrAmbiguous, stored || doubtful
	return &out
}

// onShard says on which shard an insert failed. The class of the error stays.
func onShard(s shard, err error) error {
	var e *chconn.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("shard %s: %w", s.hosts, err)
	}
	out := *e
	out.Text = "shard " + s.hosts + ": " + e.Text
	return &out
}

// classOf returns the class of an error, or nil.
func classOf(err error) error {
	for _, class := range []error{chconn.ErrAmbiguous, chconn.ErrRetryable, chconn.ErrSchema, chconn.ErrRejected} {
		if errors.Is(err, class) {
			return class
		}
	}
	return nil
}

// divideByShard returns the rows of each shard.
func (ins *Inserter) divideByShard(ctx context.Context, table string, rows *block.Block, to *spread) ([]*block.Block, error) {
	if len(to.shards) == 1 {
		return []*block.Block{rows}, nil
	}
	owners, err := ins.owners(ctx, table, rows, to)
	if err != nil {
		return nil, err
	}
	parts := make([]*block.Block, len(to.shards))
	for i := range parts {
		parts[i] = rows.Layout().NewBlock()
		if err := parts[i].AppendSelected(rows, func(row int) bool { return owners[row] == i }); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// owners returns the number of each row's shard. A question that fails is no answer: the
// rows must not go another way because of it than the last time.
func (ins *Inserter) owners(ctx context.Context, table string, rows *block.Block, to *spread) ([]int, error) {
	names := to.Names()
	var columns []int
	var named []string
	for i, info := range rows.Layout().Columns() {
		if slices.Contains(names, info.Name) {
			columns = append(columns, i)
			// The key is that of the value as the table has it: hashes of equal values of two types differ.
			named = append(named, fmt.Sprintf("CAST(%s, %s) AS %s", externalColumn(i), ddl.QuoteString(to.types[info.Name]), ddl.QuoteIdent(info.Name)))
		}
	}
	key := fmt.Sprintf("reinterpretAsUInt64(%s) %% %d", to.Key, len(to.slots)) // signed numbers are taken for unsigned ones, as the server does
	op := fmt.Sprintf("shards of the rows for %q", table)
	slots, err := ins.evaluate(ctx, Insert{Table: table, Block: rows}, op, key, columns, named)
	if chconn.ServerCode(err) == chconn.CodeUnknownIdentifier {
		return nil, chconn.SchemaError(fmt.Errorf("%s: the sharding key %s needs columns that the rows lack: %v", op, to.Key, err)) //nolint:errorlint // its class is not that of the insert
	}
	if err != nil {
		return nil, err
	}
	owners := make([]int, len(slots))
	for row, slot := range slots {
		owners[row] = to.slots[slot]
	}
	return owners, nil
}

// violations asks each shard for those of its rows that break constraints there.
func (ins *Inserter) violations(ctx context.Context, in Insert, to *spread) (out []Violation, err error) {
	owners := make([]int, in.Block.Rows())
	if len(to.shards) > 1 {
		if owners, err = ins.owners(ctx, in.Table, in.Block, to); err != nil {
			return nil, err
		}
	}
	for i, s := range to.shards {
		var rows []int // of the shard, by their numbers in the block
		for row, owner := range owners {
			if owner == i {
				rows = append(rows, row)
			}
		}
		part := in.Block.Layout().NewBlock()
		if err := part.AppendSelected(in.Block, func(row int) bool { return owners[row] == i }); err != nil {
			return nil, err
		}
		if part.Rows() == 0 {
			continue
		}
		found, err := s.inserter.Violations(ctx, Insert{Table: to.Local, Block: part})
		if err != nil {
			return nil, onShard(s, err)
		}
		for _, v := range found {
			out = append(out, Violation{Row: rows[v.Row], Check: v.Check})
		}
	}
	return oneOfEachRow(out), nil
}
