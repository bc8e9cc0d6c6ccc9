// Package query is the commands that ask questions: query with its prompt, compare, report and
// mcp.
package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// queryFlags are what query is told beside the SQL.
type queryFlags struct {
	format, file, output string
	chart                string
	params               map[string]string
}

// NewQuery makes the command query.
func NewQuery(a *cli.App) *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "query [SQL | -]",
		Short: "Ask the engine questions in SQL",
		Long: `Run SQL statements and print the answers, as tables unless --format says otherwise.
The SQL is the argument, the file of --file, or standard input, which is also meant
by -. Several statements are separated by semicolons. On a terminal, without SQL, a
prompt asks for statements; \? there lists what it knows.

Any output format of ClickHouse works: Pretty, Vertical, JSONEachRow, CSVWithNames,
Parquet and so on. --output writes a file in the format of its ending: csv, tsv, json,
jsonl, parquet, arrow, orc, avro, md or xml. Pretty tables show the first 1,000 rows, and
a terminal the first 2,000 lines of any format; a file or a pipe gets all lines.
--chart bar and --chart line draw the answer of one statement in the terminal, or with
--output as a page (.html) or a picture (.svg, .png). The first column says where; the
first column of numbers after it is drawn, and a column of text besides gives a line,
or the part of a bar, of its own for each of its values. A PNG has no letters beyond
Latin, Greek and Cyrillic ones.

An INSERT that ends with FORMAT and a name takes its rows from standard input.

The answer comes over the server's HTTP interface. For a native DSN its port is asked
from the server. Where ports are mapped, as with containers, add ?http_port=PORT to the
DSN, or give an http:// DSN.`,
		Example: `  factload query "SELECT count() FROM message"
  factload query --format JSONEachRow "SELECT * FROM eval_result LIMIT 3"
  factload query --param model=atlas-mini "SELECT count() FROM message WHERE model = {model:String}"
  factload query --output latency.parquet "SELECT * FROM answer_latency"
  factload query --chart bar "SELECT model, count() FROM message GROUP BY model ORDER BY 2 DESC"
  factload query --chart line --output cost.svg --file cost_per_day.sql
  factload query "INSERT INTO message FORMAT JSONEachRow" < messages.jsonl
  factload query --file question.sql`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New(`the SQL is one argument: quote it, as in factload query "SELECT 1"`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.chart != "" {
				sql, err := querySQL(a, args, f.file)
				if err != nil {
					return err
				}
				return drawChart(cmd.Context(), a, sql, f)
			}
			if err := outputFormat(a, cmd.Flags().Changed("format"), &f); err != nil {
				return cli.UsageError(err)
			}
			if len(args) == 0 && f.file == "" && f.output == "" && show.IsTerminal(a.In) && show.IsTerminal(a.Out) {
				return withAsker(cmd.Context(), a, f, (*asker).prompt)
			}
			sql, err := querySQL(a, args, f.file)
			if err != nil {
				return err
			}
			return runQuery(cmd.Context(), a, sql, f)
		},
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().StringVar(&f.format, "format", "PrettyCompact", "output `format` of ClickHouse")
	cmd.Flags().StringVar(&f.file, "file", "", "read the SQL from this `file`")
	cmd.Flags().StringVar(&f.output, "output", "", "write the answer to this `file`")
	cmd.Flags().StringVar(&f.chart, "chart", "", "draw the answer: `bar` or line")
	cmd.Flags().StringToStringVar(&f.params, "param", nil, "`name=value` of a parameter {name:Type} of the SQL; repeatable")
	return cmd
}

// formatOf is the format of a file by its ending.
var formatOf = map[string]string{
	".csv": "CSVWithNames", ".tsv": "TSVWithNames", ".json": "JSON", ".jsonl": "JSONEachRow", ".ndjson": "JSONEachRow", ".parquet": "Parquet",
	".arrow": "Arrow", ".orc": "ORC", ".avro": "Avro", ".md": "Markdown", ".xml": "XML",
}

// binaryFormat finds formats that no terminal can show.
var binaryFormat = regexp.MustCompile(`(?i)^(parquet|arrow|orc|avro|native|rowbinary|msgpack|bson|protobuf|capnproto|npy|buffers)`)

// outputFormat chooses the format, and refuses to write bytes to a terminal.
func outputFormat(a *cli.App, given bool, f *queryFlags) error {
	if f.output != "" && !given {
		ending := strings.ToLower(filepath.Ext(f.output))
		format, ok := formatOf[ending]
		if !ok {
			return fmt.Errorf("--output %s: the ending %q names no format: use one of %s, or --format", f.output, ending, strings.Join(slices.Sorted(maps.Keys(formatOf)), ", "))
		}
		f.format = format
	}
	if f.output == "" && binaryFormat.MatchString(f.format) && show.IsTerminal(a.Out) {
		return fmt.Errorf("--format %s is not for a terminal: use --output FILE", f.format)
	}
	return nil
}

// querySQL returns the statement from wherever it was given.
func querySQL(a *cli.App, args []string, file string) (string, error) {
	var sql string
	switch {
	case len(args) == 1 && file != "":
		return "", cli.UsageError(errors.New("both an SQL argument and --file are given: use one"))
	case len(args) == 1 && args[0] != "-":
		sql = args[0]
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return "", cli.UsageError(fmt.Errorf("query file: %w", err))
		}
		sql = string(b)
	default:
		if len(args) == 0 && show.IsTerminal(a.In) {
			return "", cli.UsageError(errors.New("no SQL given: pass it as an argument, by --file, or on standard input"))
		}
		b, err := io.ReadAll(a.In)
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		sql = string(b)
	}
	if strings.TrimSpace(sql) == "" {
		return "", cli.UsageError(errors.New("the SQL is empty"))
	}
	return sql, nil
}

// runQuery runs statements one after the other. A file has the answers of all.
func runQuery(ctx context.Context, a *cli.App, sql string, f queryFlags) error {
	statements, _ := splitStatements(sql)
	if len(statements) == 0 {
		return cli.UsageError(errors.New("the SQL is empty"))
	}
	return withAsker(ctx, a, f, func(ask *asker, ctx context.Context) error {
		all := func(w io.Writer) error {
			for _, statement := range statements {
				if err := ask.ask(ctx, w, statement); err != nil {
					return err
				}
			}
			return nil
		}
		if f.output != "" {
			return writeFile(f.output, all)
		}
		return all(a.Out)
	})
}

// asker asks the server.
type asker struct {
	*cli.App
	client *clickhouse.Client
	format string
	params []any
	where  string // the server, for errors
}

// withAsker connects and calls do.
func withAsker(ctx context.Context, a *cli.App, f queryFlags, do func(*asker, context.Context) error) (err error) {
	s, err := a.ConnectHTTP(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ask := &asker{App: a, client: s.Client, format: f.format, where: s.Where()}
	for name, value := range f.params {
		ask.params = append(ask.params, clickhouse.Param(name, value))
	}
	return do(ask, ctx)
}

// insertPattern finds inserts whose rows are not part of the statement.
var insertPattern = regexp.MustCompile(`(?is)^(\s*INSERT\s+INTO\b.*?)\s+FORMAT\s+(\w+)\s*$`)

// insert sends an insert with the rows that are on standard input, as they are.
func (q *asker) insert(ctx context.Context, sql, format string) error {
	if show.IsTerminal(q.In) {
		return cli.UsageError(errors.New("the rows of an INSERT come from standard input: factload query \"INSERT INTO … FORMAT …\" < FILE"))
	}
	return q.queryError(q.client.InsertFormat(ctx, format, sql, q.In), sql)
}

// infilePattern finds inserts of a file that is on this machine, which only ClickHouse's own client can read.
var infilePattern = regexp.MustCompile(`(?is)^\s*(INSERT\s+INTO\b[^'"]*?)\s+FROM\s+INFILE\s*'([^']+)'(?:.*\bFORMAT\s+(\w+))?`)

// infileError says how to send the file instead.
func infileError(insert, file, format string) error {
	if format == "" {
		format = cmp.Or(formatOf[strings.ToLower(filepath.Ext(file))], "NAME")
	}
	return cli.UsageError(fmt.Errorf("FROM INFILE is for clickhouse-client: give the rows on standard input, as in factload query \"%s FORMAT %s\" < %s; factload load checks them and loads them once",
		strings.Join(strings.Fields(insert), " "), format, file))
}

// killWait bounds how long it is waited for a server that is told to end a statement.
const killWait = 5 * time.Second

// ask runs one statement and writes its answer, of which a terminal gets the first lines. When ctx or the lines end before,
// the server is told to end it as well.
func (q *asker) ask(ctx context.Context, w io.Writer, statement string) error {
	plain := withoutComments(statement)
	if infile := infilePattern.FindStringSubmatch(plain); infile != nil {
		return infileError(infile[1], infile[2], infile[3])
	}
	if insert := insertPattern.FindStringSubmatch(plain); insert != nil {
		return q.insert(ctx, insert[1], insert[2])
	}
	if show.IsTerminal(w) {
		w = &firstLines{w, terminalLines}
	}
	id := uuid.NewString()
	err := q.client.QueryFormat(chgo.Context(ctx, chgo.WithQueryID(id)), w, q.format, statement, q.params...)
	enough := errors.Is(err, errEnough)
	if enough || err != nil && ctx.Err() != nil {
		q.kill(ctx, id)
	}
	if enough {
		fmt.Fprintf(q.Err, "these are the first %s: --output FILE, or a pipe, gets all\n", show.Count(terminalLines, "line"))
		return nil
	}
	return q.queryError(err, statement)
}

// kill has the server end a statement.
func (q *asker) kill(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killWait)
	defer cancel()
	if err := q.client.Exec(ctx, "KILL QUERY WHERE query_id = {id:String} ASYNC", clickhouse.Param("id", id)); err != nil {
		q.Log.Warn("the server was not told to end the statement", "query_id", id, "error", err)
	}
}

var formatClause = regexp.MustCompile(`(?i)\bformat\s+(\w+)`)

// queryError says what to do in words of the command line.
func (q *asker) queryError(err error, sql string) error {
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
		return cli.UsageError(fmt.Errorf("the SQL ends with a FORMAT clause: leave it out, and use --format %s", format))
	case e.Name == "INTO_OUTFILE_NOT_ALLOWED":
		e.Hint = "leave INTO OUTFILE out, and use --output FILE"
	case e.Name == "UNKNOWN_TABLE" && strings.Contains(e.Text, "Maybe you meant"):
		e.Hint = "asked " + q.where
	case e.Name == "UNKNOWN_TABLE":
		e.Hint = "asked " + q.where + `; factload load and factload apply make tables, and factload query "SHOW TABLES" lists them`
	}
	return err
}
