package bulk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// ledger reads and writes the ledger table of a database. Reading is safe for
// concurrent use; writing belongs to one goroutine.
type ledger struct {
	server server
	place  insert.Place // of its table
	block  *block.Block
}

// server is what a load uses of ClickHouse.
type server interface {
	Ensure(ctx context.Context, tables ...ddl.Table) error
	Inspect(ctx context.Context, table string) (*ddl.Table, error)
	Insert(ctx context.Context, in insert.Insert) error
	Places(ctx context.Context, table string) ([]insert.Place, error)
	OutsideViews(ctx context.Context, table string, layout *block.Layout) ([]insert.OutsideView, error)
	Violations(ctx context.Context, in insert.Insert) ([]insert.Violation, error)
	Select(ctx context.Context, dest any, sql string, params ...any) error
}

// serverOf returns the server of a client.
func serverOf(client *chconn.Client) server {
	return struct {
		*chconn.Client
		*migrate.Migrator
		*insert.Inserter
	}{client, migrate.New(client), insert.New(client)}
}

// ownServer returns the server that has the ledger, and what else loads remember. Of several hosts
// it is the first alone: each has a ledger of its own, and another one would not know what is loaded.
func ownServer(client *chconn.Client, s server) (server, error) {
	if client == nil || s == nil {
		return s, nil
	}
	first, err := client.FirstHost()
	if err != nil || first == client {
		return s, err
	}
	return serverOf(first), nil
}

// openLedger creates the ledger table if it is not there.
func openLedger(ctx context.Context, s server) (*ledger, error) {
	table, layout, err := ownTable(ledgerTable, ledgerSchema(), ledgerOptions())
	if err != nil {
		return nil, err
	}
	if err := s.Ensure(ctx, table); err != nil {
		return nil, err
	}
	places, err := s.Places(ctx, ledgerTable)
	if err != nil {
		return nil, err
	}
	return &ledger{server: s, place: places[0], block: layout.NewBlock()}, nil
}

// ask asks the table.
func (l *ledger) ask(ctx context.Context, dest any, sql string, params ...any) error {
	return l.server.Select(l.place.Reading(ctx), dest, sql, params...)
}

// ownTable returns the table of a schema under a name that is reserved for tables of
// this package, and the layout of its rows.
func ownTable(name string, s fact.Schema, o ddl.Options) (ddl.Table, *block.Layout, error) {
	table, err := ddl.NewTable(s, o)
	if err != nil {
		return table, nil, err
	}
	table.Name = name
	layout, err := block.Compile(s, block.Options{})
	return table, layout, err
}

const (
	chunksSQL = `SELECT token, head, bytes, lines, rows, rejected, toString(state) AS state, schema, file, load, time, rules, rejects, batch
, parent
FROM _factload_ledger WHERE state IN ('chunk_started', 'chunk_done', 'chunk_dropped', 'known', 'part_stored')`
	followingSQL    = chunksSQL + ` AND parent = {parent:String} AND (head = {head:UInt64} OR file = {file:String}) ORDER BY number, time`
	allFollowingSQL = chunksSQL + ` AND parent IN {parents:Array(String)} ORDER BY number, time LIMIT {limit:UInt64}`
)

// following is a lookup.
func (l *ledger) following(ctx context.Context, parent token, head uint64, path string) ([]candidate, error) {
	var rows []candidateRow
	err := l.ask(ctx, &rows, followingSQL,
		chconn.Param("parent", parent.String()), chconn.Param("head", fmt.Sprint(head)), chconn.Param("file", path))
	if err != nil {
		return nil, err
	}
	return foldCandidates(rows, path)
}

// allFollowing returns a lookup for some positions, which knows what the ledger
// has now and asks the server no more, and the tokens of the chunks there that have rejected
// rows. If that is more than limit entries, it returns l.following.
func (l *ledger) allFollowing(ctx context.Context, parents []token, limit int) (_ lookup, rejected []token, _ error) {
	var rows []candidateRow
	texts := make([]string, len(parents))
	for i, p := range parents {
		texts[i] = "'" + p.String() + "'"
	}
	err := l.ask(ctx, &rows, allFollowingSQL,
		chconn.Param("parents", "["+strings.Join(texts, ",")+"]"), chconn.Param("limit", strconv.Itoa(limit+1)))
	if err != nil {
		return nil, nil, err
	}
	if len(rows) > limit {
		return l.following, nil, nil
	}
	type byHead struct {
		parent string
		head   uint64
	}
	type byFile struct{ parent, file string }
	heads, files := make(map[byHead][]candidateRow), make(map[byFile][]candidateRow)
	for _, r := range rows {
		heads[byHead{r.Parent, r.Head}] = append(heads[byHead{r.Parent, r.Head}], r)
		files[byFile{r.Parent, r.File}] = append(files[byFile{r.Parent, r.File}], r)
		if r.Rejected > 0 {
			t, err := parseToken(r.Token)
			if err != nil {
				return nil, nil, err
			}
			rejected = append(rejected, t)
		}
	}
	return func(_ context.Context, parent token, head uint64, path string) ([]candidate, error) {
		return foldCandidates(slices.Concat(heads[byHead{parent.String(), head}], files[byFile{parent.String(), path}]), path)
	}, rejected, nil
}

// foldCandidates makes one candidate of all entries of a chunk, which are in order. A
// chunk is done when any entry says so, and then what the last one says holds, which
// may be of a forced load. It counts as loaded from path if it ever was, and otherwise
// from where it was loaded first. Chunks that every load which
// began them has dropped are none.
func foldCandidates(rows []candidateRow, path string) ([]candidate, error) {
	dropped := make(map[[2]string]bool) // by token and load
	for i := range rows {
		if rows[i].State == chunkDropped {
			dropped[rows[i].attempt()] = true
		}
	}
	var out []candidate
	for i := range rows {
		if rows[i].State == partStored {
			continue
		}
		if rows[i].State != chunkDone && rows[i].State != known && dropped[rows[i].attempt()] {
			continue
		}
		c, err := rows[i].candidate()
		if err != nil {
			return nil, err
		}
		have := byToken(out, c.token)
		if have == nil {
			out = append(out, c)
			continue
		}
		file, begun := have.file, have.begun
		if len(c.begun) > 0 && !slices.Contains(begun, c.begun[0]) {
			begun = append(begun, c.begun[0])
		}
		if c.file == path {
			file = path
		}
		if c.done {
			*have = c
		}
		have.file, have.begun = file, begun
	}
	for i := range rows {
		if rows[i].State == partStored {
			if err := addPart(out, &rows[i]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// addPart notes with its candidate what is stored of a divided insert.
func addPart(candidates []candidate, row *candidateRow) error {
	t, err := parseToken(row.Token)
	if c := byToken(candidates, t); c != nil {
		if c.parts == nil {
			c.parts = make(map[string]int)
		}
		c.parts[row.Schema] = max(c.parts[row.Schema], int(row.Lines)) //nolint:gosec // written from int64
	}
	return err
}

// nextNumber returns the number of a load that begins. Two that begin at once may get
// the same.
func (l *ledger) nextNumber(ctx context.Context) (uint64, error) {
	var last []uint64
	if err := l.ask(ctx, &last, "SELECT max(number) FROM _factload_ledger"); err != nil {
		return 0, err
	}
	if len(last) != 1 {
		return 0, chconn.Incomplete("look for the last load")
	}
	return last[0] + 1, nil
}

const begunSQL = `SELECT token FROM _factload_ledger WHERE state IN ('chunk_started', 'chunk_done')
GROUP BY token HAVING countIf(state = 'chunk_done') = 0`

// begun returns the tokens of the chunks that were begun and are not done.
func (l *ledger) begun(ctx context.Context) (map[string]bool, error) {
	var tokens []string
	if err := l.ask(ctx, &tokens, begunSQL); err != nil {
		return nil, err
	}
	begun := make(map[string]bool, len(tokens))
	for _, token := range tokens {
		begun[token] = true
	}
	return begun, nil
}

// loadsOf returns the loads of the same inputs, forced or not, in the order in
// which they began.
func (l *ledger) loadsOf(ctx context.Context, root, inputs token, forced bool) ([]loadRow, error) {
	const sql = loadsSQL + `, max(rules) AS rules, max(number) AS number` + loadsFromSQL +
		` AND parent = {parent:String} AND token = {token:String} AND forced = {forced:Bool}` + loadsGroupSQL + ` ORDER BY number, started, ended`
	var rows []loadRow
	err := l.ask(ctx, &rows, sql,
		chconn.Param("parent", root.String()), chconn.Param("token", inputs.String()), chconn.Param("forced", strconv.FormatBool(forced)))
	return rows, err
}

// write adds entries to the ledger in one insert, which can be repeated.
func (l *ledger) write(ctx context.Context, entries []ledgerEntry, again bool) error {
	l.block.Reset()
	parts := make([]string, 0, 1+3*len(entries))
	parts = append(parts, ledgerTable)
	for i := range entries {
		e := &entries[i]
		if err := l.block.AppendFact("", e.data()); err != nil {
			return fmt.Errorf("entry of %s: %w", e.file, err)
		}
		parts = append(parts, e.load, e.token.String(), e.state)
	}
	return l.server.Insert(ctx, insert.Insert{Table: ledgerTable, Block: l.block, Token: newToken(parts...).String(), Again: again})
}
