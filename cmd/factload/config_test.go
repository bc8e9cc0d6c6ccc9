package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"
)

// The file in the root is the reference: it has every key with its default.
func TestConfigFileHasEveryDefault(t *testing.T) {
	t.Parallel()
	v := viper.New()
	v.SetConfigFile("../../config.yaml")
	require.NoError(t, v.ReadInConfig())
	want := defaults()
	got := make(map[string]any)
	for _, key := range v.AllKeys() {
		got[key] = v.Get(key)
	}
	require.ElementsMatch(t, keysOf(want), keysOf(got))
	for key, value := range want {
		require.EqualValues(t, normal(value), normal(got[key]), key)
	}
}

// A flag's default is what config.yaml says, and its key exists.
func TestFlagsAgreeWithConfig(t *testing.T) {
	t.Parallel()
	want := defaults()
	root := newRoot(&app{})
	for _, cmd := range append(root.Commands(), root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			keys := f.Annotations[configFlag]
			if len(keys) == 0 {
				return
			}
			require.Len(t, keys, 1)
			require.Contains(t, want, keys[0], "%s --%s", cmd.Name(), f.Name)
			def := strings.Trim(f.DefValue, "[]")
			require.Equal(t, normal(want[keys[0]]), normal(def), "%s --%s", cmd.Name(), f.Name)
		})
	}
}

func normal(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case []any:
		if len(v) == 0 {
			return ""
		}
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	}
	return "?"
}

func keysOf(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func TestConfigPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("load: {workers: 3, chunk_bytes: 1MiB}\nserve: {user: filed}\n"), 0o600))
	t.Setenv("FACTLOAD_LOAD_WORKERS", "4")
	t.Setenv("FACTLOAD_SCHEMAS", "a.yaml,b")

	var got config
	root := newRoot(&app{})
	load, _, err := root.Find([]string{"load"})
	require.NoError(t, err)
	load.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		got, err = loadConfiguration(cmd)
		return err
	}
	load.RunE = func(*cobra.Command, []string) error { return nil }
	root.SetArgs([]string{"load", "--config", file, "--max-line-bytes", "2k", "x"})
	require.NoError(t, root.Execute())

	require.Equal(t, 4, got.Load.Workers, "the environment wins over the file")
	require.Equal(t, byteSize(1<<20), got.Load.ChunkBytes, "the file wins over the default")
	require.Equal(t, byteSize(2048), got.Load.MaxLineBytes, "a flag wins over all")
	require.Equal(t, []string{"a.yaml", "b"}, got.Schemas)
	require.Equal(t, "filed", got.Serve.User)
	require.Equal(t, "embedded:", got.DSN)
}
