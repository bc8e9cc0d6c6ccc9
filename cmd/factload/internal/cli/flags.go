package cli

import (
	"github.com/spf13/cobra"

	"github.com/factload/factload/cmd/factload/internal/config"
)

// AddServerFlags adds the flags of the commands that need an engine.
func AddServerFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.String("dsn", "embedded:", "`server`, see factload --help")
	flags.String("dsn-file", "", "`file` with the DSN, as factload serve writes it; wins over --dsn")
	flags.String("data", ".factload/data", "data `directory` of the embedded engine")
	config.Bind(flags, "dsn", "dsn")
	config.Bind(flags, "dsn-file", "dsn_file")
	config.Bind(flags, "data", "engine.data")
}

// AddSchemasFlag adds the flag that names further schemas.
func AddSchemasFlag(cmd *cobra.Command) {
	cmd.Flags().StringSlice("schemas", nil, "`path` of a YAML file, or a directory, of your schemas; repeatable")
	config.Bind(cmd.Flags(), "schemas", "schemas")
}
