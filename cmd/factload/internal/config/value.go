package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/factload/factload/internal/suggest"
)

// origins remembers where the values of the configuration come from.
type origins struct {
	file  configFile
	flags map[string]string // the flags that were given, by the keys that they set
}

// Flag returns the flag that has set a key, or "".
func (o *origins) Flag(key string) string { return o.flags[key] }

// File returns the path of the configuration file, or "" when there is none.
func (o *origins) File() string { return o.file.path }

// From says where the value of a key was set: a flag, a variable, or a line of
// the file. It is empty for defaults.
func (o *origins) From(key string) string {
	if flag := o.flags[key]; flag != "" {
		return flag
	}
	if name := variable(key); os.Getenv(name) != "" {
		return name
	}
	if line := o.file.lines[key]; line != 0 {
		return fmt.Sprintf("%s:%d", o.file.path, line)
	}
	return ""
}

// variable is the environment variable that sets a key.
func variable(key string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// wrong is the error for a value that cannot be used. Want says what can.
func (o *origins) wrong(key string, value any, want string) error {
	from := o.From(key)
	if strings.HasPrefix(from, "--") {
		return fmt.Errorf("%s %q: %s", from, fmt.Sprint(value), want)
	}
	return fmt.Errorf("%s is %q (%s): %s", key, fmt.Sprint(value), from, want)
}

// checkValues refuses values of the wrong type.
func (o *origins) checkValues(v *viper.Viper) error {
	var wrong []error
	for _, key := range configKeys() {
		value := v.Get(key)
		text := strings.TrimSpace(fmt.Sprint(value))
		switch key {
		case "schemas":
			if _, isMap := value.(map[string]any); isMap {
				wrong = append(wrong, fmt.Errorf("schemas (%s): want a list of files or directories", o.From(key)))
			}
			continue
		case "load.workers":
			if _, err := strconv.Atoi(text); err != nil {
				wrong = append(wrong, o.wrong(key, text, "want a whole number, or 0 for one a core"))
			}
			continue
		case "engine.remote":
			if _, err := strconv.ParseBool(text); err != nil {
				wrong = append(wrong, o.wrong(key, text, "want true or false"))
			}
			continue
		case "log.level":
			if err := new(slog.Level).UnmarshalText([]byte(text)); err != nil {
				wrong = append(wrong, o.wrong(key, text, "use debug, info, warn or error"))
			}
			continue
		case "load.chunk_bytes", "load.memory", "load.max_line_bytes":
			if err := new(ByteSize).UnmarshalText([]byte(text)); err != nil {
				wrong = append(wrong, o.wrong(key, text, "want a size such as 16MiB, or a number of bytes"))
			}
			continue
		}
		switch value.(type) { // it may be secret, and is not shown
		case map[string]any, []any:
			wrong = append(wrong, fmt.Errorf("%s (%s): want one value", key, o.From(key)))
		}
	}
	return errors.Join(wrong...)
}

// UnknownVariables returns warnings about variables that look as if they set a
// key, and set none.
func UnknownVariables(environ []string) []string {
	known := []string{"CONFIG"} // without the prefix, which all have
	sections := make(map[string]bool)
	for _, key := range configKeys() {
		known = append(known, strings.TrimPrefix(variable(key), envPrefix+"_"))
		if section, _, ok := strings.Cut(key, "."); ok {
			sections[strings.ToUpper(section)] = true
		}
	}
	var warnings []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(name, envPrefix+"_")
		if !ours || value == "" || slices.Contains(known, rest) {
			continue
		}
		section, _, _ := strings.Cut(rest, "_")
		meant := suggest.Name(rest, known)
		switch {
		case meant != "":
			warnings = append(warnings, fmt.Sprintf("the variable %s sets nothing, did you mean %s_%s?", name, envPrefix, meant))
		case sections[section]:
			warnings = append(warnings, fmt.Sprintf("the variable %s sets nothing: there is no such key", name))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// FlagError says what is wrong with a flag in words that do not need the
// source code.
func FlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	f := invalid.GetFlag()
	want := ""
	switch f.Value.Type() {
	case "int", "int64":
		want = "want a whole number"
	case "uint64":
		want = "want a whole number that is not negative"
	case "bool":
		want = "want true or false"
	default:
		want = invalid.Unwrap().Error()
	}
	return fmt.Errorf("--%s %q: %s", f.Name, invalid.GetValue(), want)
}
