package bulk

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// The defaults of a [Config].
const (
	DefaultChunkBytes   = 80 << 20        // of Config.ChunkBytes, in bytes
	DefaultMaxLineBytes = 16 << 20        // of Config.MaxLineBytes, in bytes
	DefaultRetryBudget  = 2 * time.Minute // of Config.RetryBudget
)

// The bounds of a [Config].
const (
	minChunkBytes = 4 << 10
	maxChunkBytes = 1 << 30
	maxWorkers    = 256
)

// Target is where the rows of one schema go.
type Target struct {
	// Schema is the schema that rows are decoded and checked by. Its table has
	// the same name.
	Schema fact.Schema
	// Table are the options of the table, for when it has to be created.
	Table ddl.Options
	// Definition is the schema as it was written, such as YAML. It is kept in the
	// database when the table is first used, so that [Schemas] can tell it; what it says
	// is not looked at. Empty means that nothing is kept.
	Definition string
}

// Config says what to load, from where and how. Inputs and Targets are
// required, and Client too unless DryRun is set; the zero value of everything
// else is a good default.
type Config struct {
	// Client is the connection to load through. The caller closes it. The load
	// uses as many connections at once as it has workers, and one more.
	Client *chconn.Client
	// Targets are the schemas that may occur, by name; with Schema, only that one
	// is looked at. A table is created, or gets missing columns, when the first
	// row of its schema is to be inserted.
	Targets map[string]Target

	// Inputs are files, directories, patterns of filepath.Glob, or "-" for
	// Stdin. Of a directory, all files below it that end in .jsonl or .ndjson,
	// compressed or not, are taken in the order of their paths, hidden ones left
	// out. A ZIP archive stands for the files in it that may have rows. Links to files and
	// to directories are followed. Files are read in
	// order and each once, also one that links lead to by several names.
	Inputs []string
	// Stdin is what "-" means. Nil means os.Stdin.
	Stdin io.Reader
	// Format says what a line is.
	Format Format
	// Schema names the schema of bare rows. It must be empty for the formats
	// Facts, Events and OpenAIEvals.
	Schema string

	// DefaultSchema names the schema of rows that are bare, as the first row of all tells,
	// when there is no Schema and the format is Auto. If that row names its schema
	// itself, all do.
	DefaultSchema string
	// RowsAt is the path below which the rows are, in JSON that has them within
	// something else, such as samples or response.*.items: a path of
	// [fact.ParseRowsPath]. There an array is one of rows, and anything else is a row.
	RowsAt string
	// Set gives columns that the rows do not have the same value in every row, by the
	// name of the field; the value is text, as in a cell of CSV. FileColumn names the
	// field that gets the path of the input as it was given, - for standard input.
	// PathPattern has fields in braces that get a part of the path, as in
	// runs/{run}/{task}_*.jsonl: a field is at least one character, and neither it nor *
	// goes over a slash; the pattern describes the end of the path, from a slash on. An
	// input that it does not describe is an error. They need Schema, and are part of what
	// a load is: equal content with other values is another load. A row that has the key
	// itself is rejected.
	Set         map[string]string
	FileColumn  string
	PathPattern string

	// Decode are the rules for unknown keys and for depth. Without Schema they
	// hold for all of Targets, so that CollectInto must be a field of each.
	Decode block.Options
	// MaxLineBytes bounds a line. Longer ones are rejected. 0 means
	// DefaultMaxLineBytes.
	MaxLineBytes int
	// Rejects is the path of the file that rejected rows go to, a regular one.
	// Entries that it has already stay, unless they are written anew; see
	// docs/loading.md. It is created with the first reject. Empty means that
	// rejected rows are only counted.
	Rejects string
	// MaxRejects stops a hopeless load.
	MaxRejects RejectLimit

	// DryRun decodes and checks everything and writes nothing but the rejects
	// file, where its entries take the place of those of earlier dry runs. No
	// client is needed.
	DryRun bool
	// Force loads what is loaded already, once more. A forced load that was
	// interrupted goes on when it is run again with the same inputs.
	Force bool
	// RetryRejected tries again the rows that earlier loads of the inputs have rejected,
	// by the schema and the options of this one, and loads the rest of the inputs as
	// ever. Rows are tried once: what is rejected again is tried by the next load with
	// RetryRejected. Not with DryRun or Force.
	RetryRejected bool
	// AllowChanged loads a file that has changed since it was loaded, from the
	// first chunk that differs on. Rows of that chunk that are as before are
	// then in the table twice. It also goes on with an interrupted load whose
	// schema or options have changed; see [RulesChangedError].
	AllowChanged bool

	// Memory bounds the memory of the load, in bytes, by the formula in
	// docs/loading.md: it sets Workers and ChunkBytes where they are 0, and is an
	// error where they do not fit. 0 means no bound but theirs. The least is
	// MinMemory.
	Memory int64
	// Workers is the number of chunks decoded and inserted at once. 0 means one
	// for each CPU, and at least 2.
	Workers int
	// ChunkBytes bounds a chunk, which is what one insert holds: so many bytes of
	// text, and as many lines as the schemas' widest table can hold in that much
	// memory. Larger chunks make fewer and larger parts, which is less work for the
	// server, and take more memory; see docs/loading.md. 0 means
	// DefaultChunkBytes, or what Memory allows.
	ChunkBytes int
	// RetryBudget is how long an insert that fails for the moment is repeated
	// before the load gives up. 0 means DefaultRetryBudget; less than 0 means not
	// at all.
	RetryBudget time.Duration

	// Progress is called now and then while the load runs, and once at its end,
	// never from two goroutines at once. Nil means never.
	Progress func(Progress)
	// Logger gets what is worth knowing and is no error: retries, warnings. Nil
	// means nothing is logged.
	Logger *slog.Logger

	// For tests: other bounds on the lines of a chunk, and the time between calls of
	// Progress.
	chunkLines    int
	progressEvery time.Duration
}

// progressEvery is the time between calls of Config.Progress.
const progressEvery = 200 * time.Millisecond

// Validate reports everything that is wrong with the configuration by itself,
// joined with errors.Join and each of kind ErrConfig. Whether the inputs exist
// is found out by [Load].
func (c *Config) Validate() error {
	var errs []error
	report := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %w", ErrConfig, fmt.Errorf(format, args...)))
	}
	if c.Client == nil && !c.DryRun {
		report("no client to load through: set Client, or DryRun to check only")
	}
	if len(c.Inputs) == 0 {
		report("no inputs: name files, directories or patterns, or - for standard input")
	}
	if len(c.Targets) == 0 {
		report("no targets: give at least one schema")
	}
	c.validateFormat(report)
	if c.RetryRejected && (c.DryRun || c.Force) {
		report("rejected rows are tried again by loads that look at what is loaded: not with DryRun or Force")
	}
	if _, err := c.rowsAt(); err != nil {
		report("the path of the rows %q: %w", c.RowsAt, err)
	}
	bound := func(name string, v, low, high int) {
		if v != 0 && (v < low || v > high) {
			report("%s is %d: use %d to %d, or 0 for the default", name, v, low, high)
		}
	}
	bound("ChunkBytes", c.ChunkBytes, minChunkBytes, maxChunkBytes)
	bound("MaxLineBytes", c.MaxLineBytes, 1, maxChunkBytes)
	bound("Workers", c.Workers, 1, maxWorkers)
	if err := c.validateMemory(); err != nil {
		report("%w", err)
	}
	if err := c.MaxRejects.validate(); err != nil {
		report("%w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		if c.Schema != "" && name != c.Schema {
			continue
		}
		if err := c.Targets[name].validate(name, c.Decode); err != nil {
			report("target %q: %w", name, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateFormat(report func(string, ...any)) {
	switch {
	case c.Format < Auto || c.Format > OpenAIEvals:
		report("unknown %s", c.Format)
	case c.Format == Rows && c.Schema == "":
		report("bare rows need the name of their schema: set Schema")
	case (c.Format == Facts || c.Format == Events || c.Format == OpenAIEvals) && c.Schema != "":
		report("schema %q is given, but %s name their schemas themselves", c.Schema, c.Format)
	case c.DefaultSchema != "" && c.Targets[c.DefaultSchema].Schema.Name == "":
		report("%w", unknownSchema(c.DefaultSchema, c.Targets))
	case c.Schema != "" && len(c.Targets) > 0:
		if _, ok := c.Targets[c.Schema]; !ok {
			report("%w", unknownSchema(c.Schema, c.Targets))
		}
	}
}

func (t Target) validate(name string, decode block.Options) error {
	if t.Schema.Name != name {
		return fmt.Errorf("its schema is called %q", t.Schema.Name)
	}
	if _, err := ddl.NewTable(t.Schema, t.Table); err != nil {
		return err
	}
	_, err := block.Compile(t.Schema, decode)
	return err
}

// unknownSchema says that there is no target for a schema, and which there are.
func unknownSchema[T any](name string, targets map[string]T) error {
	return fmt.Errorf("%w %q: known are %s", ErrUnknownSchema, name, strings.Join(slices.Sorted(maps.Keys(targets)), ", "))
}

// rowsAt returns the path to the rows.
func (c *Config) rowsAt() (fact.Path, error) {
	if c.RowsAt == "" {
		return nil, nil
	}
	return fact.ParseRowsPath(c.RowsAt)
}

// withDefaults returns the configuration with every default filled in.
func (c Config) withDefaults() Config {
	setDefault := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	c.Workers, c.ChunkBytes = c.sizes()
	setDefault(&c.MaxLineBytes, DefaultMaxLineBytes)
	if c.RetryBudget == 0 {
		c.RetryBudget = DefaultRetryBudget
	}
	if c.progressEvery == 0 {
		c.progressEvery = progressEvery
	}
	if c.Format == Auto && c.Schema != "" {
		c.Format = Rows
	}
	if c.Stdin == nil {
		c.Stdin = os.Stdin
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Targets = maps.Clone(c.Targets)
	return c
}
