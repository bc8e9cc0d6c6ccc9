package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

const (
	envPrefix         = "FACTLOAD"
	defaultConfigFile = "config.yaml"
)

// config is the whole configuration. Its keys are those of config.yaml, where
// each is documented with its default. A flag wins over an environment
// variable, which wins over the file, which wins over the default.
type config struct {
	DSN     string   `mapstructure:"dsn"`
	DSNFile string   `mapstructure:"dsn_file"`
	Schemas []string `mapstructure:"schemas"`

	Engine engineConfig `mapstructure:"engine"`
	Load   loadConfig   `mapstructure:"load"`
	Serve  serveConfig  `mapstructure:"serve"`
	Log    logConfig    `mapstructure:"log"`
}

type engineConfig struct {
	Data    string `mapstructure:"data"`
	Library string `mapstructure:"library"`
}

type loadConfig struct {
	Workers      int      `mapstructure:"workers"`
	ChunkBytes   byteSize `mapstructure:"chunk_bytes"`
	Memory       byteSize `mapstructure:"memory"`
	Compression  string   `mapstructure:"compression"`
	MaxLineBytes byteSize `mapstructure:"max_line_bytes"`
	UnknownKeys  string   `mapstructure:"unknown_keys"`
	Rejects      string   `mapstructure:"rejects"`
	MaxRejects   string   `mapstructure:"max_rejects"`
}

type serveConfig struct {
	Native       string `mapstructure:"native"`
	HTTP         string `mapstructure:"http"`
	User         string `mapstructure:"user"`
	PasswordFile string `mapstructure:"password_file"`
	Password     string `mapstructure:"password"`
	Database     string `mapstructure:"database"`
}

type logConfig struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// defaults are the values of keys that nobody set. config.yaml repeats them;
// a test compares the two.
func defaults() map[string]any {
	return map[string]any{
		"dsn":                 "embedded:",
		"dsn_file":            "",
		"schemas":             []string{},
		"engine.data":         ".factload/data",
		"engine.library":      "",
		"load.workers":        0,
		"load.chunk_bytes":    0,
		"load.memory":         0,
		"load.compression":    "",
		"load.max_line_bytes": "16MiB",
		"load.unknown_keys":   "reject",
		"load.rejects":        "",
		"load.max_rejects":    "",
		"serve.native":        "127.0.0.1:9000",
		"serve.http":          "127.0.0.1:8123",
		"serve.user":          "factload",
		"serve.password":      "",
		"serve.password_file": "",
		"serve.database":      "factload",
		"log.level":           "info",
		"log.format":          "text",
	}
}

// configFlag names the annotation that ties a flag to its configuration key.
const configFlag = "factload_config_key"

// bind ties a flag to the configuration key that it sets.
func bind(flags *pflag.FlagSet, flag, key string) {
	if err := flags.SetAnnotation(flag, configFlag, []string{key}); err != nil {
		panic(err) // no such flag: a mistake in this package
	}
}

// loadConfiguration reads the configuration for a command whose flags have
// been parsed.
func loadConfiguration(cmd *cobra.Command) (config, error) {
	v := viper.New()
	for key, value := range defaults() {
		v.SetDefault(key, value)
	}
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	if err := readConfigFile(v, cmd); err != nil {
		return config{}, err
	}
	var bindErr error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if keys := f.Annotations[configFlag]; len(keys) == 1 {
			bindErr = errors.Join(bindErr, v.BindPFlag(keys[0], f))
		}
	})
	if bindErr != nil {
		return config{}, fmt.Errorf("bind flags: %w", bindErr)
	}
	var c config
	hooks := mapstructure.ComposeDecodeHookFunc(
		mapstructure.TextUnmarshallerHookFunc(),
		mapstructure.StringToSliceHookFunc(","),
	)
	if err := v.Unmarshal(&c, viper.DecodeHook(hooks)); err != nil {
		return config{}, fmt.Errorf("configuration: %s", oneLine(err))
	}
	err := c.validate()
	return c, err
}

// oneLine is the text of a decoding error without its heading and line breaks.
func oneLine(err error) string {
	_, text, found := strings.Cut(err.Error(), "\n\n")
	if !found {
		text = err.Error()
	}
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
}

// readConfigFile reads the file of --config, of FACTLOAD_CONFIG, or
// config.yaml in the working directory if it is there. "none" reads no file.
func readConfigFile(v *viper.Viper, cmd *cobra.Command) error {
	path, _ := cmd.Flags().GetString("config")
	if path == "" {
		path = os.Getenv(envPrefix + "_CONFIG")
	}
	given := path != ""
	if path == "none" {
		return nil
	}
	if !given {
		path = defaultConfigFile
	}
	v.SetConfigFile(path)
	v.SetConfigType("yaml")
	err := v.ReadInConfig()
	if errors.Is(err, fs.ErrNotExist) && !given {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config file %s: %w", path, err)
	}
	return checkKeys(v, path)
}

// checkKeys refuses keys that mean nothing: a key that is written wrong must
// not look as if it were set.
func checkKeys(v *viper.Viper, path string) error {
	known := defaults()
	var unknown []string
	for _, key := range v.AllKeys() {
		if _, ok := known[key]; !ok && v.InConfig(key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	names := make([]string, 0, len(known))
	for key := range known {
		names = append(names, key)
	}
	slices.Sort(names)
	return fmt.Errorf("config file %s: unknown key %s: the keys are %s (use --config none to read no file)",
		path, strings.Join(unknown, ", "), strings.Join(names, ", "))
}

// validate checks what can be checked before a command starts.
func (c *config) validate() error {
	if !slices.Contains([]string{"reject", "ignore"}, c.Load.UnknownKeys) && !strings.HasPrefix(c.Load.UnknownKeys, "collect:") {
		return fmt.Errorf("load.unknown_keys is %q: use reject, ignore or collect:FIELD", c.Load.UnknownKeys)
	}
	if !slices.Contains([]string{"", "none", "lz4", "zstd"}, c.Load.Compression) {
		return fmt.Errorf("load.compression is %q: use none, lz4 or zstd, or leave it empty", c.Load.Compression)
	}
	if c.Load.Workers < 0 {
		return fmt.Errorf("load.workers is %d: use 0 for one a core, or a positive number", c.Load.Workers)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("log.format is %q: use text or json", c.Log.Format)
	}
	return nil
}

// byteSize is a number of bytes written as a person would: 16MiB, 512KB, 1000.
type byteSize int64

// UnmarshalText reads a size. K, M and G are powers of 1024.
func (b *byteSize) UnmarshalText(text []byte) error {
	n, err := units.RAMInBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is no size: write it as 16MiB or as a number of bytes", text)
	}
	*b = byteSize(n)
	return nil
}
