package bulk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/fact"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	targets := map[string]Target{"items": items()}
	good := func() Config { return Config{DryRun: true, Inputs: []string{"-"}, Targets: targets, Schema: "items"} }
	cfg := good()
	require.NoError(t, cfg.Validate())
	for want, change := range map[string]func(*Config){
		"no client to load through":                   func(c *Config) { c.DryRun = false },
		"no inputs":                                   func(c *Config) { c.Inputs = nil },
		"no targets":                                  func(c *Config) { c.Targets = nil },
		"unknown format(9)":                           func(c *Config) { c.Format = 9 },
		"bare rows need the name":                     func(c *Config) { c.Format, c.Schema = Rows, "" },
		`schema "items" is given, but facts name`:     func(c *Config) { c.Format = Facts },
		`unknown schema "thing": known are items`:     func(c *Config) { c.Schema = "thing" },
		"ChunkBytes is 1: use 4096 to":                func(c *Config) { c.ChunkBytes = 1 },
		"MaxLineBytes is -1":                          func(c *Config) { c.MaxLineBytes = -1 },
		"Workers is 1000":                             func(c *Config) { c.Workers = 1000 },
		"limit of rejected rows 101% is out of range": func(c *Config) { c.MaxRejects = MaxRejectPercent(101) },
		`target "items": its schema is called ""`:     func(c *Config) { c.Targets = map[string]Target{"items": {}} },
		`"_factload_ledger": begins with _factload`: func(c *Config) {
			s := ledgerSchema()
			s.Name = ledgerTable
			c.Targets, c.Schema = map[string]Target{ledgerTable: {Schema: s}}, ""
		},
		`unknown keys are collected into "nope"`: func(c *Config) {
			c.Decode = block.Options{UnknownKeys: block.CollectUnknown, CollectInto: "nope"}
		},
	} {
		cfg := good()
		change(&cfg)
		err := cfg.Validate()
		require.ErrorIs(t, err, ErrConfig, want)
		require.ErrorContains(t, err, want)
		_, err = Load(t.Context(), cfg)
		require.ErrorIs(t, err, ErrConfig)
	}
	cfg = good()
	cfg.Targets = map[string]Target{"items": items(), "other": {Schema: fact.Schema{Name: "x"}}}
	require.NoError(t, cfg.Validate(), "with a schema given, only that one matters")
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	cfg := Config{Schema: "items"}.withDefaults()
	require.Equal(t, DefaultChunkBytes, cfg.ChunkBytes)
	require.Equal(t, DefaultMaxLineBytes, cfg.MaxLineBytes)
	require.Equal(t, DefaultRetryBudget, cfg.RetryBudget)
	require.Equal(t, Rows, cfg.Format)
	require.GreaterOrEqual(t, cfg.Workers, 2)
	cfg = Config{RetryBudget: -1, Workers: 1, progressEvery: time.Hour}.withDefaults()
	require.Equal(t, Auto, cfg.Format)
	require.EqualValues(t, -1, cfg.RetryBudget)
	require.Equal(t, 1, cfg.Workers)
	require.Equal(t, time.Hour, cfg.progressEvery)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	sizes := func(c Config) [2]int {
		c = c.withDefaults()
		require.LessOrEqual(t, c.footprint(), c.Memory)
		return [2]int{c.Workers, c.ChunkBytes}
	}
	require.Equal(t, [2]int{2, 80 * mib}, sizes(Config{Memory: 1000 * mib, Workers: 2}), "no more than the default")
	require.Equal(t, [2]int{2, 30 * mib}, sizes(Config{Memory: 100 * mib, Workers: 2}))
	require.Equal(t, [2]int{8, 3 * mib}, sizes(Config{Memory: 64 * mib, Workers: 8}), "workers that were asked for stay")
	require.Equal(t, [2]int{1, 24 * mib}, sizes(Config{Memory: 64 * mib}), "rather fewer workers than small chunks")
	require.Equal(t, [2]int{1, 20 * mib}, sizes(Config{Memory: 64 * mib, ChunkBytes: 20 * mib}))
	for _, c := range []Config{{Memory: 1}, {Memory: -1}, {Memory: 100 * mib, Workers: 4, ChunkBytes: 20 * mib}, {Memory: 100 * mib, ChunkBytes: 80 * mib}} {
		require.ErrorContains(t, c.Validate(), "memory")
	}
	client, err := chconn.Open("clickhouse://far.example/db")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	require.Equal(t, [2]int{2, 10 * mib}, sizes(Config{Memory: 100 * mib, Workers: 2, Client: client}), "compressed")
	require.Equal(t, [2]int{2, 30 * mib}, sizes(Config{Memory: 100 * mib, Workers: 2, Client: client, DryRun: true}))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	cfg := Config{Targets: map[string]Target{"items": items(), "notes": notes()}}.withDefaults()
	tables, err := newTables(cfg.Targets, "", cfg.Decode)
	require.NoError(t, err)
	l := limitsOf(&cfg, tables)
	require.Equal(t, limits{chunkBytes: 80 << 20, chunkLines: 80 << 20 / 32, pieceBytes: 2 << 20, lineBytes: 16 << 20}, l)
	require.Equal(t, 8, pieceBuffers(2, l))
	require.Equal(t, 12, pieceBuffers(10, l), "one for each worker at least")
	cfg.ChunkBytes, cfg.chunkLines = minChunkBytes, 7
	require.Equal(t, limits{chunkBytes: 4096, chunkLines: 7, pieceBytes: 512, lineBytes: 16 << 20}, limitsOf(&cfg, tables))
	require.Equal(t, 3, pieceBuffers(1, limitsOf(&cfg, tables)), "for the worker, the reader and one on the way")
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for f := Auto; f <= Events; f++ {
		got, err := ParseFormat(f.String())
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
	_, err := ParseFormat("csv")
	require.EqualError(t, err, `unknown format "csv": use one of auto, rows, facts, events, openai-evals`)
	require.Equal(t, "format(-1)", Format(-1).String())
}

func TestRejectLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]RejectLimit{
		"": {}, " ": {}, "0": MaxRejectRows(0), "100": MaxRejectRows(100), "0.5%": MaxRejectPercent(0.5), "100 %": MaxRejectPercent(100),
	} {
		got, err := ParseRejectLimit(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseRejectLimit(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, bad := range []string{"-1", "x", "1.5", "101%", "-1%", "%", "NaN%", "1e3"} {
		_, err := ParseRejectLimit(bad)
		require.ErrorContains(t, err, "is not a limit of rejected rows", bad)
	}

	for name, c := range map[string]struct {
		limit          RejectLimit
		rows, rejected int64
		running, last  bool
	}{
		"none":                {RejectLimit{}, 0, 1 << 40, false, false},
		"rows, at limit":      {MaxRejectRows(5), 0, 5, false, false},
		"rows, over":          {MaxRejectRows(5), 1 << 40, 6, true, true},
		"percent, too few":    {MaxRejectPercent(1), 98, 2, false, true},
		"percent, at limit":   {MaxRejectPercent(1), 9900, 100, false, false},
		"percent, over":       {MaxRejectPercent(1), 9900, 101, true, true},
		"percent, no rejects": {MaxRejectPercent(0), 9900, 0, false, false},
		"percent, none":       {MaxRejectPercent(0), 9900, 1, true, true},
	} {
		require.Equal(t, c.running, c.limit.exceeded(c.rows, c.rejected, false), name)
		require.Equal(t, c.last, c.limit.exceeded(c.rows, c.rejected, true), name)
	}
}
