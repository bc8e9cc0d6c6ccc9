package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/internal/suggest"
)

// configFile is a configuration file that was read.
type configFile struct {
	path  string         // empty when there is none
	lines map[string]int // where its keys are
}

// readConfigFile reads the file of --config, of FACTLOAD_CONFIG, or
// config.yaml in the working directory if it is there. "none" reads no file.
func readConfigFile(v *viper.Viper, cmd *cobra.Command) (configFile, error) {
	path, _ := cmd.Flags().GetString("config")
	if path == "" {
		path = os.Getenv(envPrefix + "_CONFIG")
	}
	given := path != ""
	if path == "none" {
		return configFile{}, nil
	}
	if !given {
		path = defaultConfigFile
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !given:
		return configFile{}, nil
	case errors.Is(err, fs.ErrNotExist):
		return configFile{}, fmt.Errorf("config file %s: no such file", path)
	case err != nil:
		return configFile{}, fmt.Errorf("config file: %w", err)
	}
	f := configFile{path: path, lines: make(map[string]int)}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return configFile{}, f.syntaxError(err)
	}
	if err := f.checkKeys(&document); err != nil {
		return configFile{}, err
	}
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(text)); err != nil {
		return configFile{}, f.syntaxError(err)
	}
	return f, nil
}

// syntaxError says in one line what the parser has found, with the line of the
// file.
func (f *configFile) syntaxError(err error) error {
	text := err.Error()
	if parse := (viper.ConfigParseError{}); errors.As(err, &parse) {
		text = parse.Unwrap().Error()
	}
	text = strings.TrimPrefix(text, "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return fmt.Errorf("config file %s: not YAML that can be read: %s", f.path, strings.Join(lines, "; "))
}

// checkKeys notes where the keys are, and refuses those that mean nothing: a
// key that is written wrong must not look as if it were set.
func (f *configFile) checkKeys(document *yaml.Node) error {
	if len(document.Content) == 0 {
		return nil // an empty file
	}
	root := document.Content[0]
	switch {
	case root.Kind == yaml.MappingNode:
		return f.checkSection(root, "")
	case root.Tag == "!!null":
		return nil
	}
	return fmt.Errorf("config file %s:%d: want keys with their values, as in config.yaml of the repository", f.path, root.Line)
}

func (f *configFile) checkSection(section *yaml.Node, prefix string) error {
	var wrong []error
	for i := 0; i+1 < len(section.Content); i += 2 {
		name, value := section.Content[i], section.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		key := prefix + strings.ToLower(name.Value)
		f.lines[key] = name.Line
		switch _, known := Defaults()[key]; {
		case known || name.Tag == "!!merge":
		case isSection(key) && value.Kind == yaml.MappingNode:
			wrong = append(wrong, f.checkSection(value, key+"."))
		case isSection(key) && value.Tag == "!!null":
		case isSection(key):
			wrong = append(wrong, fmt.Errorf("config file %s:%d: %s is a section: put its keys below it, indented", f.path, name.Line, key))
		default:
			wrong = append(wrong, fmt.Errorf("config file %s:%d: unknown key %s%s", f.path, name.Line, key, keyHint(key)))
		}
	}
	return errors.Join(wrong...)
}

// configKeys returns all keys, sorted.
func configKeys() []string { return slices.Sorted(maps.Keys(Defaults())) }

// isSection reports whether there are keys in a section of that name.
func isSection(name string) bool {
	return slices.ContainsFunc(configKeys(), func(key string) bool { return strings.HasPrefix(key, name+".") })
}

// keyHint says which key was probably meant, or else which there are.
func keyHint(key string) string {
	if hint := suggest.DidYouMean(key, configKeys()); hint != "" {
		return hint
	}
	var inSections []string // the sections were forgotten
	for _, known := range configKeys() {
		if strings.HasSuffix(known, "."+key) {
			inSections = append(inSections, known)
		}
	}
	if len(inSections) > 0 {
		return ", did you mean " + strings.Join(inSections, " or ") + "?"
	}
	return ": the keys are " + strings.Join(configKeys(), ", ") + " (use --config none to read no file)"
}
