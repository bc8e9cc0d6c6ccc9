package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
)

func newQuery(a *app) *cobra.Command {
	var format, file string
	cmd := &cobra.Command{
		Use:   "query [SQL | -]",
		Short: "Ask the engine a question in SQL",
		Long: `Run one SQL statement and print the answer, as a table unless --format says
otherwise. The SQL is the argument, the file of --file, or standard input, which is
also meant by -.

Any output format of ClickHouse works: Pretty, Vertical, JSONEachRow, CSVWithNames,
Parquet and so on. The answer comes over the server's HTTP interface. For a native
DSN its port is asked from the server; give an http:// DSN if it cannot be reached there.`,
		Example: `  factload query "SELECT count() FROM message"
  factload query --format JSONEachRow "SELECT * FROM eval_result LIMIT 3"
  factload query --file question.sql`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New(`the SQL is one argument: quote it, as in factload query "SELECT 1"`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			sql, err := a.querySQL(args, file)
			if err != nil {
				return err
			}
			return a.query(cmd.Context(), sql, format)
		},
	}
	addServerFlags(cmd)
	cmd.Flags().StringVar(&format, "format", "PrettyCompact", "output `format` of ClickHouse")
	cmd.Flags().StringVar(&file, "file", "", "read the SQL from this `file`")
	return cmd
}

// querySQL returns the statement from wherever it was given.
func (a *app) querySQL(args []string, file string) (string, error) {
	var sql string
	switch {
	case len(args) == 1 && file != "":
		return "", usageError(errors.New("both an SQL argument and --file are given: use one"))
	case len(args) == 1 && args[0] != "-":
		sql = args[0]
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return "", usageError(fmt.Errorf("query file: %w", err))
		}
		sql = string(b)
	default:
		if len(args) == 0 && isTerminal(a.in) {
			return "", usageError(errors.New("no SQL given: pass it as an argument, by --file, or on standard input"))
		}
		b, err := io.ReadAll(a.in)
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		sql = string(b)
	}
	if strings.TrimSpace(sql) == "" {
		return "", usageError(errors.New("the SQL is empty"))
	}
	return sql, nil
}

func (a *app) query(ctx context.Context, sql, format string) (err error) {
	s, err := a.openServer(ctx, reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	client, err := s.openHTTP()
	if err != nil {
		return err
	}
	defer client.Close()
	return queryError(client.QueryFormat(ctx, a.out, format, sql), sql)
}

var formatClause = regexp.MustCompile(`(?i)\bformat\s+(\w+)`)

// queryError says what to do in words of the command line.
func queryError(err error, sql string) error {
	var e *clickhouse.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case strings.Contains(e.Text, "trailing FORMAT clause"): // so says the driver
		format := "NAME"
		if found := formatClause.FindAllStringSubmatch(sql, -1); len(found) > 0 {
			format = found[len(found)-1][1]
		}
		return usageError(fmt.Errorf("the SQL ends with a FORMAT clause: leave it out, and use --format %s", format))
	case e.Name == "UNKNOWN_TABLE" && strings.Contains(e.Text, "Maybe you meant"):
		e.Hint = ""
	case e.Name == "UNKNOWN_TABLE":
		e.Hint = `factload load and factload apply make tables, and factload query "SHOW TABLES" lists them`
	}
	return err
}
