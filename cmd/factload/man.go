package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/factload/factload/cmd/factload/internal/cli"
)

// newMan makes the command man, which releases are made with.
func newMan(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of all commands to a directory",
		Long: `Write a manual page for each command to a directory, which is made if it is not there.
Their date is that of SOURCE_DATE_EPOCH, or today.`,
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // pages for everybody
				return fmt.Errorf("manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "factload " + versionText(), Manual: "factload"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			pages, err := os.ReadDir(args[0])
			if err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			_, err = fmt.Fprintf(a.Notes(), "%d manual pages in %s\n", len(pages), args[0])
			return err
		},
	}
}
