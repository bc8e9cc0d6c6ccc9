package main

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

	origins `mapstructure:"-"`
}

type engineConfig struct {
	Data    string `mapstructure:"data"`
	Library string `mapstructure:"library"`
	Remote  bool   `mapstructure:"remote"`
	Backups string `mapstructure:"backups"`
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
	c := config{origins: origins{flags: make(map[string]string)}}
	var err error
	if c.file, err = readConfigFile(v, cmd); err != nil {
		return config{}, err
	}
	var bindErr error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if keys := f.Annotations[configFlag]; len(keys) == 1 {
			bindErr = errors.Join(bindErr, v.BindPFlag(keys[0], f))
			if f.Changed {
				c.flags[keys[0]] = "--" + f.Name
			}
		}
	})
	if bindErr != nil {
		return config{}, fmt.Errorf("bind flags: %w", bindErr)
	}
	if err := c.checkValues(v); err != nil {
		return config{}, err
	}
	hooks := mapstructure.ComposeDecodeHookFunc(
		mapstructure.TextUnmarshallerHookFunc(),
		mapstructure.StringToSliceHookFunc(","),
	)
	if err := v.Unmarshal(&c, viper.DecodeHook(hooks)); err != nil {
		return config{}, fmt.Errorf("configuration: %w", err)
	}
	err = c.validate()
	return c, err
}

// validate checks what can be checked before a command starts.
func (c *config) validate() error {
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
	if err := new(slog.Level).UnmarshalText([]byte(c.Log.Level)); err != nil {
		return c.wrong("log.level", c.Log.Level, "use debug, info, warn or error")
	}
	return nil
}

// byteSize is a number of bytes written as a person would: 16MiB, 512KB, 1000.
type byteSize int64

// UnmarshalText reads a size. K, M and G are powers of 1024.
func (b *byteSize) UnmarshalText(text []byte) error {
	n, err := units.RAMInBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size: write it as 16MiB or as a number of bytes", text)
	}
	*b = byteSize(n)
	return nil
}
