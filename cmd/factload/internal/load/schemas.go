package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/schemas"
)

// NewSchemas makes the command schemas.
func NewSchemas(a *cli.App) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "schemas [NAME]",
		Short: "List the schemas that the database keeps",
		Long: `List the schemas that loads into the database have used, or print one of them.

factload load keeps the schema that it uses, if it is from a file, so that the next
load needs no --schemas. With --schemas, the file is used, and kept from then on.`,
		Example: `  factload schemas
  factload schemas statement > statement.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return printSchemas(cmd.Context(), a, args, asJSON) },
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each schema")
	return cmd
}

func printSchemas(ctx context.Context, a *cli.App, names []string, asJSON bool) (err error) {
	s, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	kept, err := bulk.Schemas(ctx, s.Client)
	if err != nil {
		return err
	}
	if len(names) == 1 {
		kept = slices.DeleteFunc(kept, func(k bulk.KeptSchema) bool { return k.Name != names[0] })
		if len(kept) == 0 {
			return fmt.Errorf("the database keeps no schema %q: factload schemas lists those that it keeps", names[0])
		}
	}
	for _, k := range kept {
		switch {
		case asJSON:
			err = json.NewEncoder(a.Out).Encode(k)
		case len(names) == 1:
			_, err = fmt.Fprint(a.Out, k.Definition)
		default:
			_, err = fmt.Fprintf(a.Out, "%s  used since %s UTC\n", k.Name, k.Time.UTC().Format(time.DateTime))
		}
		if err != nil {
			return err
		}
	}
	if len(kept) == 0 && !asJSON {
		_, err = fmt.Fprintln(a.Out, "the database keeps no schema: factload load keeps those of files that it uses")
	}
	return err
}

// keptTargets returns the target of a schema that no file has. The error says that the database does not keep it either.
func keptTargets(ctx context.Context, client *clickhouse.Client, unknown error, name string) (map[string]bulk.Target, error) {
	kept, err := cli.KeptSchemas(ctx, client)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(kept, func(k cli.KeptSchema) bool { return k.Schema.Name == name })
	if i < 0 {
		names := make([]string, len(kept))
		for i, k := range kept {
			names[i] = k.Schema.Name
		}
		text := "the database keeps no schema of that name either"
		if len(names) > 0 {
			text += ", but " + strings.Join(names, ", ")
		}
		return nil, cli.UsageError(fmt.Errorf("%w; %s", unknown, text))
	}
	return map[string]bulk.Target{name: {Schema: kept[i].Schema, Table: kept[i].Table, Definition: kept[i].Text}}, nil
}

// definitionText returns the document of a file that a schema was read from, or "" for a
// built-in one.
func definitionText(def schemas.Definition) (string, error) {
	i := strings.LastIndexByte(def.Source, ':')
	if i < 0 || strings.HasPrefix(def.Source, "builtin/") {
		return "", nil
	}
	at, err := strconv.Atoi(def.Source[i+1:])
	if err != nil {
		return "", nil //nolint:nilerr // it is from no file
	}
	content, err := os.ReadFile(def.Source[:i])
	if err != nil {
		return "", err
	}
	var document strings.Builder
	for n, line := range strings.SplitAfter(string(content), "\n") {
		if strings.TrimRight(line, " \r\n") == "---" {
			if n+1 > at {
				break
			}
			document.Reset()
			continue
		}
		document.WriteString(line)
	}
	return document.String(), nil
}
