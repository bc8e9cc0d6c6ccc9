package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/ddl"
)

const backupPlace = `The name is that of a directory below engine.backups (default: backups in the engine's data
directory). On another server it is below the path that its configuration allows for backups.`

// NewBackup makes the command backup.
func NewBackup(a *cli.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "backup NAME",
		Short:   "Write the database into a backup",
		Long:    "Write all tables of the database, with their rows, into a backup.\n\n" + backupPlace,
		Example: "  factload backup monday",
		Args:    oneBackup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runBackup(cmd.Context(), a, "BACKUP DATABASE %s TO File(%s)", "backed up database %s as %s\n", args[0], asJSON)
		},
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object about what was done")
	return cmd
}

// NewRestore makes the command restore.
func NewRestore(a *cli.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "restore NAME",
		Short: "Read the database back from a backup",
		Long: `Read the tables of a backup, with their rows, into the database. Tables that are there and
have rows are not touched: then it fails, and nothing is doubled.

` + backupPlace,
		Example: "  FACTLOAD_ENGINE_BACKUPS=.factload/data/backups factload restore monday --data restored",
		Args:    oneBackup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runBackup(cmd.Context(), a, "RESTORE DATABASE %s FROM File(%s)", "restored database %s from %s\n", args[0], asJSON)
		},
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object about what was done")
	return cmd
}

// backupName keeps a name from leading out of the directory of backups.
var backupName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

func oneBackup(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !backupName.MatchString(args[0]) {
		return errors.New("give one name of letters, digits, dots, dashes and underscores for the backup")
	}
	return nil
}

// runBackup runs a statement about the database and a backup, and says what it did.
func runBackup(ctx context.Context, a *cli.App, sql, done, name string, asJSON bool) (err error) {
	s, err := a.Connect(ctx, cli.Writing)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	database, began := s.Client.Database(), time.Now()
	err = s.Client.Exec(ctx, fmt.Sprintf(sql, ddl.QuoteIdent(database), "'"+name+"'"))
	if err != nil && strings.Contains(err.Error(), "backups.allowed_path") {
		return fmt.Errorf("%w: the server's configuration names no directory for backups", err)
	}
	var refused *chconn.Error
	switch errors.As(err, &refused); {
	case err == nil:
	case refused.Code == chconn.CodeNoBackup && s.Dir != "":
		return fmt.Errorf("%s has no backup %s: name the directory that has it by FACTLOAD_ENGINE_BACKUPS or engine.backups", a.BackupsOf(s.Dir), name)
	case refused.Code == chconn.CodeCannotRestore:
		return fmt.Errorf("database %s has tables with rows, which a restore does not touch: give it another place by --data, or drop them", database)
	}
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(a.Out).Encode(struct {
			Database string  `json:"database"`
			Backup   string  `json:"backup"`
			Seconds  float64 `json:"seconds"`
		}{database, name, time.Since(began).Seconds()})
	}
	_, err = fmt.Fprintf(a.Notes(), done, database, name)
	return err
}
