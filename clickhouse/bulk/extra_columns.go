package bulk

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/bulk/internal/input"
	"github.com/factload/factload/fact"
)

// extraColumns are the columns that the rows of an input get besides their own keys.
type extraColumns struct {
	set     map[string]string
	file    string         // field for the path
	pattern *regexp.Regexp // of paths; nil for none
	cells   map[string]input.Cell
	layout  *block.Layout // of the columns alone
	given   string        // the pattern as it was given
}

// newExtraColumns checks the columns of a configuration.
func newExtraColumns(cfg *Config) (*extraColumns, error) {
	x := &extraColumns{set: cfg.Set, file: cfg.FileColumn, given: cfg.PathPattern}
	names := slices.Collect(maps.Keys(cfg.Set))
	if x.file != "" {
		names = append(names, x.file)
	}
	if x.given != "" {
		var fields []string
		var err error
		if x.pattern, fields, err = compilePattern(x.given); err != nil {
			return nil, fmt.Errorf("path pattern %q: %w", x.given, err)
		}
		names = append(names, fields...)
	}
	if len(names) == 0 {
		return x, nil
	}
	target, ok := cfg.Targets[cfg.Schema]
	if !ok {
		return nil, errors.New("columns that are not in the rows need the name of a schema")
	}
	x.cells = make(map[string]input.Cell)
	alone := fact.Schema{Name: cfg.Schema}
	slices.Sort(names)
	for i, name := range names {
		f, ok := target.Schema.FieldByName(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("schema %q has no field %q to give a value to", cfg.Schema, name)
		case f.From != "":
			return nil, fmt.Errorf("field %q is taken from %s in the row, and cannot be given a value", name, f.From)
		case i > 0 && names[i-1] == name:
			return nil, fmt.Errorf("field %q is given a value twice", name)
		}
		x.cells[name] = cellOf(f)
		f.FactID = false
		alone.Fields = append(alone.Fields, f)
	}
	var err error
	x.layout, err = block.Compile(alone, block.Options{})
	return x, err
}

// compilePattern returns the regular expression of a path pattern, and its fields.
func compilePattern(pattern string) (*regexp.Regexp, []string, error) {
	var b strings.Builder
	var fields []string
	b.WriteString("(?s)(?:^|/)")
	for rest := pattern; rest != ""; {
		switch i := strings.IndexAny(rest, "{}*?"); {
		case i < 0:
			b.WriteString(regexp.QuoteMeta(rest))
			rest = ""
		case i > 0:
			b.WriteString(regexp.QuoteMeta(rest[:i]))
			rest = rest[i:]
		case rest[0] == '*':
			b.WriteString("[^/]*")
			rest = rest[1:]
		case rest[0] == '?':
			b.WriteString("[^/]")
			rest = rest[1:]
		default:
			name, after, ok := strings.Cut(rest[1:], "}")
			if rest[0] == '}' || !ok || name == "" {
				return nil, nil, errors.New("a field is a name in braces, such as {run}")
			}
			fields = append(fields, name)
			b.WriteString("([^/]+?)")
			rest = after
		}
	}
	if len(fields) == 0 {
		return nil, nil, errors.New("it has no field in braces, such as {run}")
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	return re, fields, err
}

// any reports whether there are columns.
func (x *extraColumns) any() bool { return len(x.cells) > 0 }

// of returns the values of an input, by field.
func (x *extraColumns) of(in *input.File) (map[string]string, error) {
	values := maps.Clone(x.set)
	if values == nil {
		values = make(map[string]string)
	}
	if x.file != "" {
		values[x.file] = input.ValidText(in.Name)
	}
	if x.pattern != nil {
		match := x.pattern.FindStringSubmatch(filepath.ToSlash(in.Name))
		if match == nil && !in.Stdin {
			match = x.pattern.FindStringSubmatch(filepath.ToSlash(in.Path))
		}
		if match == nil {
			return nil, &InputError{File: in.Name, Err: fmt.Errorf("the path is not one of the pattern %s", x.given)}
		}
		_, fields, _ := compilePattern(x.given)
		for i, name := range fields {
			values[name] = input.ValidText(match[i+1])
		}
	}
	return values, nil
}

// members returns the values as members of a JSON object, each with a comma behind, and a
// list of texts that stands for them.
func (x *extraColumns) members(values map[string]string) (members []byte, parts []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key := jx.Writer{Buf: members}
		key.FieldStart(name)
		if members, err = input.AppendCell(key.Buf, x.cells[name], values[name]); err != nil {
			return nil, nil, fmt.Errorf("the value of %q: %w", name, err)
		}
		members = append(members, ',')
		parts = append(parts, name, values[name])
	}
	return members, parts, nil
}

// check decodes the values by themselves.
func (x *extraColumns) check(members []byte) error {
	row := append([]byte{'{'}, members[:len(members)-1]...)
	return x.layout.NewBlock().AppendJSON(append(row, '}'))
}

// fileColumns are the columns of one input.
type fileColumns struct {
	members []byte
	root    token // where the chain of the input begins
}

// columnsOf returns the columns of the inputs, or nil when there are none. Inputs with
// other values have other chains.
func columnsOf(cfg *Config, files []*input.File, root token) (map[*input.File]fileColumns, error) {
	x, err := newExtraColumns(cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if !x.any() {
		return nil, nil
	}
	columns := make(map[*input.File]fileColumns, len(files))
	for _, in := range files {
		values, err := x.of(in)
		if err != nil {
			return nil, err
		}
		members, parts, err := x.members(values)
		if err == nil {
			err = x.check(members)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrConfig, in.Name, err)
		}
		columns[in] = fileColumns{members: members, root: newToken(append([]string{"columns", root.String()}, parts...)...)}
	}
	return columns, nil
}
