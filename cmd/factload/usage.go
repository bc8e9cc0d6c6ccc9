package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// withHelp adds where to read how the command is used.
func withHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
}

// needInput asks for at least one input.
func needInput(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("no input given")
	}
	return nil
}
