package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/config"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
	"github.com/factload/factload/schemas/infer"
)

const inferLong = `Read files as load does and print a schema that accepts all their rows, as YAML with
comments. Save it, look it over, and load with it.

FILE is a file, a directory (all .jsonl and .ndjson files below it, compressed
or not), a pattern, or - for standard input. gzip, zstd, bzip2 and xz are recognised
by content.

The schema is named after the first FILE unless --schema names it. Lines that load
would reject whatever the schema are left out and counted.

Types are chosen so that nothing is lost and later rows have room: integers are
int64, text is a datetime64, date or uuid only if all of it is, and what is mixed
is json. Values in objects become fields of their own, as deep as --depth says;
lists of objects (but those of one choice, of which the first is taken), and
objects whose keys are data, stay json. Where a type is a
guess, such as that a number is a time, a comment says so. The sorting key
(order_by) is a guess too.

Exit codes: 0 the schema is printed; 1 the input cannot be read or has no rows;
2 wrong usage or configuration.`

// inferFlags are the flags of infer.
type inferFlags struct {
	schema string
	rows   int64
	depth  int
	rowsAt string
}

// NewInfer makes the command infer.
func NewInfer(a *cli.App) *cobra.Command {
	var f inferFlags
	cmd := &cobra.Command{
		Use:   "infer FILE...",
		Short: "Print a schema for JSONL files",
		Long:  inferLong,
		Example: `  factload infer data.jsonl > data.yaml
  factload load --schemas data.yaml --schema data data.jsonl
  zcat huge.jsonl.gz | factload infer --schema huge --rows 100000 -`,
		Args: cli.NeedInput,
		RunE: func(cmd *cobra.Command, args []string) error { return runInfer(cmd.Context(), a, f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.schema, "schema", "", "`name` of the schema (default: as the first file, without its endings)")
	flags.Int64Var(&f.rows, "rows", 0, "look at the first `N` rows only; later ones may not fit (0: all)")
	flags.IntVar(&f.depth, "depth", infer.DefaultDepth, "look `N` objects deep for fields; 0 leaves objects as json")
	flags.StringVar(&f.rowsAt, "rows-at", "", "`path` in the JSON to the rows, such as items or runs.*.items")
	flags.String("max-line-bytes", "16MiB", "`size` above which a line is left out")
	config.Bind(flags, "max-line-bytes", "load.max_line_bytes")
	return cmd
}

// runInfer prints the schema of the inputs.
func runInfer(ctx context.Context, a *cli.App, f inferFlags, inputs []string) error {
	if f.rows < 0 {
		return cli.UsageError(fmt.Errorf("--rows %d: use 1 or more, or 0 for all", f.rows))
	}
	if f.depth < 0 {
		return cli.UsageError(fmt.Errorf("--depth %d: use 0 or more", f.depth))
	}
	name, err := inferredName(f.schema, inputs[0])
	if err != nil {
		return cli.UsageError(err)
	}
	in := infer.Builder{Depth: f.depth}
	if f.depth == 0 {
		in.Depth = -1
	}
	left, err := inferFrom(ctx, a, &in, f, inputs)
	if err != nil {
		return err
	}
	left.print(a)
	if one, other, found := in.Unrelated(); found {
		fmt.Fprintf(a.Err, "warning: the rows of %s and %s have hardly a key in common: infer a schema for each of them\n", one, other)
	}
	err = in.WriteYAML(a.Out, name)
	if errors.Is(err, infer.ErrNothingToInfer) {
		err = fmt.Errorf("%s: %w", strings.Join(inputs, ", "), err)
	}
	return err
}

// inferFrom adds rows of the inputs, up to the given number unless that is 0.
func inferFrom(ctx context.Context, a *cli.App, in *infer.Builder, f inferFlags, inputs []string) (leftOut, error) {
	var left leftOut
	for line, err := range bulk.RowsAt(ctx, inputs, a.In, int(a.Config.Load.MaxLineBytes), f.rowsAt) {
		if err == nil {
			in.Source(line.File)
			add := in.Add
			if line.Cells {
				add = in.AddCells
			}
			err = add(line.Text)
		}
		switch {
		case errors.Is(err, bulk.ErrLineTooLong), errors.Is(err, bulk.ErrBadRow):
			left.add(err)
		case errors.Is(err, infer.ErrNotARow):
			left.add(fmt.Errorf("%s, line %d: %w", line.File, line.Number, err))
		case errors.Is(err, infer.ErrTooManyFields):
			return left, fmt.Errorf("%s, line %d: %w", line.File, line.Number, err)
		case err != nil:
			return left, err
		}
		if in.Rows() == f.rows && f.rows > 0 {
			break
		}
	}
	return left, nil
}

// leftOut are lines that are no rows.
type leftOut struct {
	lines int64
	first error
}

func (l *leftOut) add(err error) {
	if l.lines++; l.first == nil {
		l.first = err
	}
}

// print tells of the lines, if there are any.
func (l *leftOut) print(a *cli.App) {
	switch {
	case l.lines == 1:
		fmt.Fprintf(a.Err, "left out a line: %v\n", l.first)
	case l.lines > 1:
		fmt.Fprintf(a.Err, "left out %s lines; the first: %v\n", show.Thousands(l.lines), l.first)
	}
}

// inferredName returns the name that was given, or else one made of the name of
// the first input. The name is one that a table may have and no built-in schema
// has.
func inferredName(given, input string) (string, error) {
	name := given
	if name == "" {
		if name = nameOfInput(input); name == "" {
			return "", fmt.Errorf("%q gives no name to the schema: name it with --schema", input)
		}
	}
	s := fact.Schema{Name: name, Fields: []fact.Field{{Name: "f"}}}
	if err := s.Validate(); err != nil {
		return "", fmt.Errorf("--schema: %w", err)
	}
	if _, err := ddl.NewTable(s, ddl.Options{}); err != nil {
		return "", fmt.Errorf("--schema: %w", err)
	}
	if slices.ContainsFunc(schemas.Builtins(), func(def schemas.Definition) bool { return def.Schema.Name == name }) {
		return "", fmt.Errorf("there is a built-in schema %q: choose another name with --schema, or load with the built-in one", name)
	}
	return name, nil
}

// inputEndings are cut off the names of files.
var inputEndings = []string{".gz", ".zst", ".zstd", ".bz2", ".xz", ".zip", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".log", ".txt"}

// notInName is what a table name would need quotes for.
var notInName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// nameOfInput makes a name of that of a file or directory: letters, digits and
// underscores, with a letter or an underscore first. It is empty for standard
// input and for patterns.
func nameOfInput(input string) string {
	const most = 100 // bytes
	path, err := filepath.Abs(input)
	if input == "-" || err != nil || strings.ContainsAny(input, "*?[") {
		return ""
	}
	name := filepath.Base(path)
	for {
		ending := strings.ToLower(filepath.Ext(name))
		if !slices.Contains(inputEndings, ending) {
			break
		}
		name = name[:len(name)-len(ending)]
	}
	name = strings.Trim(notInName.ReplaceAllString(name, "_"), "_")
	name = name[:min(len(name), most)]
	if name != "" && name[0] <= '9' {
		name = "_" + name
	}
	return name
}
