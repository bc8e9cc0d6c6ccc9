// Package config reads the configuration of factload: flags, FACTLOAD_* variables, and
// config.yaml. What is wrong with a value is said with the place where it was set.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/factload/factload/clickhouse/bulk"
)

const (
	envPrefix         = "FACTLOAD"
	defaultConfigFile = "config.yaml"
)

// Config is the whole configuration. Its keys are those of config.yaml, where
// each is documented with its default. A flag wins over an environment
// variable, which wins over the file, which wins over the default.
type Config struct {
	DSN     string   `mapstructure:"dsn"`
	DSNFile string   `mapstructure:"dsn_file"`
	Schemas []string `mapstructure:"schemas"`

	Engine Engine `mapstructure:"engine"`
	Load   Load   `mapstructure:"load"`
	Serve  Serve  `mapstructure:"serve"`
	Log    Log    `mapstructure:"log"`

	origins `mapstructure:"-"`
}

// Engine says how the embedded engine runs.
type Engine struct {
	Data    string `mapstructure:"data"`
	Library string `mapstructure:"library"`
	Remote  bool   `mapstructure:"remote"`
	Backups string `mapstructure:"backups"`
}

// Load has the defaults of load and check.
type Load struct {
	Workers      int      `mapstructure:"workers"`
	ChunkBytes   ByteSize `mapstructure:"chunk_bytes"`
	Memory       ByteSize `mapstructure:"memory"`
	Compression  string   `mapstructure:"compression"`
	MaxLineBytes ByteSize `mapstructure:"max_line_bytes"`
	UnknownKeys  string   `mapstructure:"unknown_keys"`
	Rejects      string   `mapstructure:"rejects"`
	MaxRejects   string   `mapstructure:"max_rejects"`
}

// Serve says where an engine listens, and who may log in.
type Serve struct {
	Native       string `mapstructure:"native"`
	HTTP         string `mapstructure:"http"`
	User         string `mapstructure:"user"`
	PasswordFile string `mapstructure:"password_file"`
	Password     string `mapstructure:"password"`
	Database     string `mapstructure:"database"`
	Reader       string `mapstructure:"reader"`
}

// Log says what is logged, and how.
type Log struct {
	Level  slog.Level `mapstructure:"level"`
	Format string     `mapstructure:"format"`
}

// Defaults are the values of keys that nobody set. config.yaml repeats them;
// a test compares the two.
func Defaults() map[string]any {
	return map[string]any{
		"dsn":                 "embedded:",
		"dsn_file":            "",
		"schemas":             []string{},
		"engine.data":         ".factload/data",
		"engine.library":      "",
		"engine.remote":       false,
		"engine.backups":      "",
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
		"serve.reader":        "",
		"log.level":           "info",
		"log.format":          "text",
	}
}

// FlagKey names the annotation that ties a flag to its configuration key.
const FlagKey = "factload_config_key"

// Bind ties a flag to the configuration key that it sets.
func Bind(flags *pflag.FlagSet, flag, key string) {
	if err := flags.SetAnnotation(flag, FlagKey, []string{key}); err != nil {
		panic(err) // no such flag: a mistake in this package
	}
}

// Read reads the configuration for a command whose flags have
// been parsed.
func Read(cmd *cobra.Command) (Config, error) {
	v := viper.New()
	for key, value := range Defaults() {
		v.SetDefault(key, value)
	}
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	c := Config{origins: origins{flags: make(map[string]string)}}
	var err error
	if c.file, err = readConfigFile(v, cmd); err != nil {
		return Config{}, err
	}
	var bindErr error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if keys := f.Annotations[FlagKey]; len(keys) == 1 {
			bindErr = errors.Join(bindErr, v.BindPFlag(keys[0], f))
			if f.Changed {
				c.flags[keys[0]] = "--" + f.Name
			}
		}
	})
	if bindErr != nil {
		return Config{}, fmt.Errorf("bind flags: %w", bindErr)
	}
	if err := c.checkValues(v); err != nil {
		return Config{}, err
	}
	hooks := mapstructure.ComposeDecodeHookFunc(
		mapstructure.TextUnmarshallerHookFunc(),
		mapstructure.StringToSliceHookFunc(","),
	)
	if err := v.Unmarshal(&c, viper.DecodeHook(hooks)); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	err = c.validate()
	return c, err
}

// validate checks what can be checked before a command starts.
func (c *Config) validate() error {
	l := c.Load
	switch {
	case !slices.Contains([]string{"reject", "ignore"}, l.UnknownKeys) && !strings.HasPrefix(l.UnknownKeys, "collect:"):
		return c.wrong("load.unknown_keys", l.UnknownKeys, "use reject, ignore or collect:FIELD")
	case !slices.Contains([]string{"", "none", "lz4", "zstd"}, l.Compression):
		return c.wrong("load.compression", l.Compression, "use none, lz4 or zstd, or leave it empty")
	case l.Workers < 0:
		return c.wrong("load.workers", l.Workers, "use 0 for one a core, or a positive number")
	case l.Memory != 0 && l.Memory < bulk.MinMemory:
		return c.wrong("load.memory", units.BytesSize(float64(l.Memory)), "use at least "+units.BytesSize(bulk.MinMemory)+", or 0 for no bound")
	case l.Rejects == "-":
		return c.wrong("load.rejects", l.Rejects, "rejected rows go into a file: give its name")
	case c.Log.Format != "text" && c.Log.Format != "json":
		return c.wrong("log.format", c.Log.Format, "use text or json")
	}
	if _, err := bulk.ParseRejectLimit(l.MaxRejects); err != nil {
		return c.wrong("load.max_rejects", l.MaxRejects, "use a number such as 100, or a share such as 0.5%")
	}
	return nil
}

// ByteSize is a number of bytes written as a person would: 16MiB, 512KB, 1000.
type ByteSize int64

// UnmarshalText reads a size. K, M and G are powers of 1024.
func (b *ByteSize) UnmarshalText(text []byte) error {
	n, err := units.RAMInBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size: write it as 16MiB or as a number of bytes", text)
	}
	*b = ByteSize(n)
	return nil
}
