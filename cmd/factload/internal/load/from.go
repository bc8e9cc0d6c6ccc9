package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/schemas"
)

// openAIEvals is the form of files that is more than a schema.
const openAIEvals = "openai-evals"

// FromNames returns the names that --from takes.
func FromNames() []string {
	names := []string{openAIEvals}
	for _, f := range schemas.Formats() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// loadConfig is bulkConfig, with what --from stands for.
func loadConfig(a *cli.App, f loadFlags, inputs []string) (cfg bulk.Config, unknown, err error) {
	switch {
	case f.from == "":
		return bulkConfig(a, f, inputs)
	case f.schema != "" || f.format != "auto":
		return cfg, nil, cli.UsageError(fmt.Errorf("--from %s says what the rows are: leave out --schema and --format", f.from))
	case f.from == openAIEvals:
		f.format = bulk.OpenAIEvals.String()
		return bulkConfig(a, f, inputs)
	}
	all := schemas.Formats()
	i := slices.IndexFunc(all, func(known schemas.Format) bool { return known.Name == f.from })
	if i < 0 {
		return cfg, nil, cli.UsageError(fmt.Errorf("--from %s: known are %s", f.from, strings.Join(FromNames(), ", ")))
	}
	if cfg, _, err = bulkConfig(a, f, inputs); err != nil {
		return cfg, nil, err
	}
	def := all[i].Definition
	cfg.Targets = map[string]bulk.Target{def.Schema.Name: {Schema: def.Schema, Table: def.Table, Definition: all[i].Text}}
	cfg.Schema, cfg.DefaultSchema = def.Schema.Name, ""
	if cfg.Decode.UnknownKeys == block.RejectUnknown {
		cfg.Decode = block.Options{UnknownKeys: block.CollectUnknown, CollectInto: schemas.OtherKeys}
	}
	return cfg, nil, nil
}
