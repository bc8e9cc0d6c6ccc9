package bulk

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// extraLines are items of which one in twenty has a key that is no field.
func extraLines(from, to int) []byte {
	var b bytes.Buffer
	for i := from; i < to; i++ {
		if i%20 == 19 {
			fmt.Fprintf(&b, `{"id":%d,"text":"","new":1}`+"\n", i)
			continue
		}
		b.Write(lines(i, i+1))
	}
	return b.Bytes()
}

// TestLoadRefusesOtherRulesForABegunChunk has loads that were killed when a
// chunk was in its table and the ledger did not know that yet. The server would
// drop what the chunk has become since.
func TestLoadRefusesOtherRulesForABegunChunk(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*Config){
		"unknown keys": func(c *Config) { c.Decode.UnknownKeys = block.IgnoreUnknown },
		"line length":  func(c *Config) { c.MaxLineBytes = 1 << 20 },
		"schema": func(c *Config) {
			target := items()
			target.Schema.Fields = append(target.Schema.Fields, fact.Field{Name: "new", Type: fact.UInt32})
			c.Targets = map[string]Target{"items": target}
		},
		"word of a field": func(c *Config) {
			target := items()
			target.Schema.Fields = slices.Clone(target.Schema.Fields)
			target.Schema.Fields[0].Quoted = true
			c.Targets = map[string]Target{"items": target}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			cfg := r.config(r.file("a", extraLines(0, 1000)))
			cfg.Rejects = filepath.Join(r.dir, "rejects")
			first, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 2, applied: true, only: "items"})
			require.ErrorIs(t, err, errCrash)

			changed := cfg
			change(&changed)
			before := time.Now()
			sum, err := Load(t.Context(), changed)
			require.ErrorIs(t, err, ErrRulesChanged)
			var e *RulesChangedError
			require.ErrorAs(t, err, &e)
			require.Equal(t, r.dir+"/a", e.File)
			require.LessOrEqual(t, e.Offset, first.Bytes, "no more than that was finished")
			require.Equal(t, first.Load, e.Load)
			require.Positive(t, e.Length)
			require.Positive(t, e.Line)
			require.False(t, e.Time.After(before))
			require.Zero(t, sum.Rows)

			// What the message says.
			r.load(cfg)
			require.Equal(t, "950\t950", r.count())
			require.Len(t, r.rejects(cfg), 50)
			require.Zero(t, r.load(changed).Rows, "no chunk is in doubt any more")
		})
	}
}

func TestLoadGoesOnRegardlessOfRules(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", extraLines(0, 1000)))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 2, applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	cfg.Decode.UnknownKeys, cfg.AllowChanged = block.IgnoreUnknown, true
	sum := r.load(cfg)
	require.NotEmpty(t, sum.Warnings)
	require.Contains(t, sum.Warnings[0], "with another schema or other options")
	require.Equal(t, r.Query(t, "SELECT count() FROM items"), r.Query(t, "SELECT uniqExact(id) FROM items"))
}

func TestLoadGoesOnWhenOnlyWordsHaveChanged(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 1000)))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 2, applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	target := items()
	target.Schema.Fields[0].Comment = "the number"
	slices.Reverse(target.Schema.Fields)
	target.Table.Comment = "all items"
	cfg.Targets = map[string]Target{"items": target, "other": {Schema: fact.Schema{Name: "other", Fields: []fact.Field{{Name: "a"}}}}}
	cfg.Decode.MaxDepth = block.DefaultMaxDepth
	r.load(cfg)
	require.Equal(t, "1000\t1000", r.count())
}

// TestLoadKnowsWhatItHasNotSent stops loads whose chunks are in the ledger and
// were not inserted: they are in no doubt.
func TestLoadKnowsWhatItHasNotSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(r *room, cfg *Config)
	}{
		{"changed file", func(r *room, _ *Config) { r.file("a", append(lines(0, 50), lines(1000, 1050)...)) }},
		{"changed options", func(_ *room, cfg *Config) { cfg.Decode.UnknownKeys = block.IgnoreUnknown }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			cfg := r.config(r.file("a", append(lines(0, 50), extraLines(50, 100)...)))
			cfg.ChunkBytes, cfg.MaxRejects = 0, MaxRejectRows(0)
			_, err := Load(t.Context(), cfg)
			require.ErrorIs(t, err, ErrTooManyRejects)
			require.Equal(t, LoadCounts{}, r.loads()[0].LoadCounts, "no chunk is open")
			c.change(r, &cfg)
			require.EqualValues(t, 100, r.load(cfg).Rows)
			require.Equal(t, "100\t100", r.count())
			for _, l := range r.loads() {
				require.Zero(t, l.OpenChunks)
			}
		})
	}
}

// TestLoadDropsOnlyWhatNothingFollows has a chunk that was not inserted before
// one that was: a change of the first would double the rows of the second.
func TestLoadDropsOnlyWhatNothingFollows(t *testing.T) {
	t.Parallel()
	in := &input.File{Name: "a", Path: "/a"}
	at := func(n byte) token { return token{n} }
	open := func(parent, end byte, sent bool) *result {
		return &result{sent: sent, chunk: &chunk{file: in, parent: at(parent), token: at(end)}}
	}
	for _, c := range []struct {
		name string
		open []*result
		want []token
	}{
		{"none sent", []*result{open(1, 2, false), open(2, 3, false)}, []token{at(3), at(2)}},
		{"first sent", []*result{open(1, 2, true), open(2, 3, false)}, []token{at(3)}},
		{"last sent", []*result{open(1, 2, false), open(2, 3, false), open(3, 4, true)}, nil},
		{"another file", []*result{open(1, 2, false), open(8, 9, true)}, []token{at(2)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []token
			w := newLedgerWriter(func(_ context.Context, entries []ledgerEntry) error {
				for _, e := range entries {
					require.Equal(t, chunkDropped, e.state)
					got = append(got, e.token)
				}
				return nil
			})
			done := make(chan error)
			go func() { done <- w.run(t.Context()) }()
			(&committer{ledger: w, open: c.open}).drop()
			w.close()
			require.NoError(t, <-done)
			require.Equal(t, c.want, got)
		})
	}
}

// TestLoadStoppedByContextDropsWhatItHasNotSent stops loads at any time.
func TestLoadStoppedByContextDropsWhatItHasNotSent(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	path := r.file("a", lines(0, 5000))
	cfg := r.config(path)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.progressEvery = time.Millisecond
	cfg.Progress = func(p Progress) {
		if p.Rows > 1000 {
			cancel()
		}
	}
	_, err := Load(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	cfg.Progress = nil
	cfg.Workers, cfg.ChunkBytes = 1, 64<<10
	r.load(cfg)
	require.Equal(t, "5000\t5000", r.count())
}

// TestLedgerOfBefore loads into a ledger that knows less.
func TestLedgerOfBefore(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cfg := r.config(r.file("a", lines(0, 1000)))
	_, err := loadInto(t.Context(), cfg, &crashing{server: serverOf(r.client), left: 2, applied: true, only: "items"})
	require.ErrorIs(t, err, errCrash)
	old := ledgerSchema()
	old.Name = "old"
	old.Fields = slices.DeleteFunc(old.Fields, func(f fact.Field) bool {
		return slices.Contains([]string{"rules", "inputs", "number", "rejects"}, f.Name)
	})
	for i := range old.Fields {
		if old.Fields[i].Name == "state" {
			old.Fields[i].Values = []string{loadStarted, chunkStarted, chunkDone, loadDone}
		}
	}
	table, err := ddl.NewTable(old, ledgerOptions())
	require.NoError(t, err)
	require.NoError(t, serverOf(r.client).Ensure(t.Context(), table))
	var names []string
	for _, f := range old.Fields {
		names = append(names, "`"+f.Name+"`")
	}
	columns := strings.Join(names, ", ")
	r.Exec(t, "INSERT INTO old ("+columns+") SELECT "+columns+" FROM _factload_ledger WHERE state != 'chunk_dropped'")
	r.Exec(t, "EXCHANGE TABLES old AND _factload_ledger")

	require.Equal(t, LoadUnfinished, r.loads()[0].State)
	cfg.Decode.UnknownKeys = block.IgnoreUnknown // nobody knows that it was another
	r.load(cfg)
	require.Equal(t, "1000\t1000", r.count())
	require.Equal(t, LoadContinued, r.loads()[0].State)
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules := func(change func(*Config)) string {
		cfg := Config{Schema: "items", Targets: map[string]Target{"items": {Schema: fact.Schema{Name: "items", OrderBy: []string{"id"}, Fields: []fact.Field{
			{Name: "id", Type: fact.UInt32},
			{Name: "kind", Type: fact.Enum, Values: []string{"a", "b"}},
			{Name: "text", Type: fact.String, Default: "x"},
			{Name: "more", Type: fact.JSON},
		}}}}}
		change(&cfg)
		cfg = cfg.withDefaults()
		tables, err := newTables(cfg.Targets, cfg.Schema, cfg.Decode)
		require.NoError(t, err)
		return decodeFingerprint(&cfg, tables)
	}
	field := func(i int, change func(*fact.Field)) func(*Config) {
		return func(c *Config) { change(&c.Targets["items"].Schema.Fields[i]) }
	}
	same := rules(func(*Config) {})
	for name, change := range map[string]func(*Config){
		"comment":  field(0, func(f *fact.Field) { f.Comment = "c" }),
		"workers":  func(c *Config) { c.Workers, c.ChunkBytes, c.Rejects = 7, 1<<20, "r" },
		"explicit": func(c *Config) { c.MaxLineBytes, c.Format = DefaultMaxLineBytes, Rows },
	} {
		require.Equal(t, same, rules(change), name)
	}
	seen := map[string]string{same: "unchanged"}
	for name, change := range map[string]func(*Config){
		"name":     field(1, func(f *fact.Field) { f.Name = "sort" }),
		"type":     field(3, func(f *fact.Field) { f.Type = fact.String }),
		"nullable": field(3, func(f *fact.Field) { f.Nullable = true }),
		"values":   field(1, func(f *fact.Field) { f.Values = []string{"b", "a"} }),
		"default":  field(2, func(f *fact.Field) { f.Default = "y" }),
		"none":     field(2, func(f *fact.Field) { f.Default = nil }),
		"required": func(c *Config) {
			target := c.Targets["items"]
			target.Schema.OrderBy = []string{"id", "kind"}
			c.Targets["items"] = target
		},
		"unknown": func(c *Config) { c.Decode.UnknownKeys = block.IgnoreUnknown },
		"collect": func(c *Config) { c.Decode.UnknownKeys, c.Decode.CollectInto = block.CollectUnknown, "more" },
		"depth":   func(c *Config) { c.Decode.MaxDepth = 7 },
		"line":    func(c *Config) { c.MaxLineBytes = 7 },
		"facts":   func(c *Config) { c.Schema, c.Format = "", Facts },
	} {
		got := rules(change)
		require.Empty(t, seen[got], name)
		seen[got] = name
	}
}
