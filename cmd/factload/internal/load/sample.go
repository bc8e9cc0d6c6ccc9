package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/internal/sample"
)

// NewSample makes the command sample.
func NewSample(a *cli.App) *cobra.Command {
	var (
		schema string
		rows   int
		seed   uint64
	)
	cmd := &cobra.Command{
		Use:   "sample --schema NAME --rows N",
		Short: "Write realistic sample facts as JSONL",
		Long: `Write made-up but realistic facts of a built-in schema to standard output, one
JSON object a line. The same schema, rows and seed always give the same bytes.

Schemas: ` + strings.Join(sample.Schemas(), ", "),
		Example: `  factload sample --schema message --rows 1000000 > messages.jsonl
  factload sample --schema eval_result --rows 1000 | factload load --schema eval_result -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(sample.Schemas(), schema) {
				return cli.UsageError(fmt.Errorf("--schema %q: samples exist for %s", schema, strings.Join(sample.Schemas(), ", ")))
			}
			if rows < 0 {
				return cli.UsageError(fmt.Errorf("--rows %d: use 0 or more", rows))
			}
			_, err := sample.Write(cmd.Context(), a.Out, schema, rows, seed)
			return err
		},
	}
	cmd.Flags().StringVar(&schema, "schema", "", "which schema (required)")
	cmd.Flags().IntVar(&rows, "rows", 1000, "how many `rows`")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "another seed gives other rows")
	return cmd
}
