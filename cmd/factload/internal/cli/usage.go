package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// WithHelp adds where to read how the command is used.
func WithHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
}

// NeedInput asks for at least one input.
func NeedInput(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("no input given")
	}
	return nil
}

// UsageArgs makes wrong arguments usage errors.
func UsageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		if err := check(cmd, args); err != nil {
			return UsageError(WithHelp(cmd, err))
		}
		return nil
	}
}
