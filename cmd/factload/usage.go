package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// withHelp adds where to read how the command is used.
func withHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
}

// needArgs asks for at least one argument and says which.
func needArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("no %s given", what)
		}
		return nil
	}
}
