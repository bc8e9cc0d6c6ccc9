package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/config"
)

// testApp is an App that nobody listens to.
func testApp() *cli.App { return cli.NewApp(nil, io.Discard, io.Discard, "test") }

// A flag's default is what config.yaml says, and its key exists.
func TestFlagsAgreeWithConfig(t *testing.T) {
	t.Parallel()
	want := config.Defaults()
	root := newRoot(testApp())
	for _, cmd := range append(root.Commands(), root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			keys := f.Annotations[config.FlagKey]
			if len(keys) == 0 {
				return
			}
			require.Len(t, keys, 1)
			require.Contains(t, want, keys[0], "%s --%s", cmd.Name(), f.Name)
			require.Equal(t, fmt.Sprint(want[keys[0]]), f.DefValue, "%s --%s", cmd.Name(), f.Name)
		})
	}
}

func TestConfigPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("load: {workers: 3, chunk_bytes: 1MiB}\nserve: {user: filed}\n"), 0o600))
	t.Setenv("FACTLOAD_LOAD_WORKERS", "4")
	t.Setenv("FACTLOAD_SCHEMAS", "a.yaml,b")

	var got config.Config
	root := newRoot(testApp())
	load, _, err := root.Find([]string{"load"})
	require.NoError(t, err)
	load.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		got, err = config.Read(cmd)
		return err
	}
	load.RunE = func(*cobra.Command, []string) error { return nil }
	root.SetArgs([]string{"load", "--config", file, "--max-line-bytes", "2k", "x"})
	require.NoError(t, root.Execute())

	require.Equal(t, 4, got.Load.Workers, "the environment wins over the file")
	require.Equal(t, config.ByteSize(1<<20), got.Load.ChunkBytes, "the file wins over the default")
	require.Equal(t, config.ByteSize(2048), got.Load.MaxLineBytes, "a flag wins over all")
	require.Equal(t, []string{"a.yaml", "b"}, got.Schemas)
	require.Equal(t, "filed", got.Serve.User)
	require.Equal(t, "embedded:", got.DSN)
}

// The help fits in 100 columns.
func TestHelpIsNotWide(t *testing.T) {
	t.Parallel()
	root := newRoot(testApp())
	for _, cmd := range append(root.Commands(), root) {
		cmd.InitDefaultHelpFlag()
		for line := range strings.Lines(cmd.Long + "\n" + cmd.UsageString()) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 100 {
				t.Errorf("%s: wider than 100: %s", cmd.Name(), line)
			}
		}
	}
}

// loaded reads the configuration as the command load does.
func loaded(t *testing.T, args ...string) error {
	t.Helper()
	root := newRoot(testApp())
	load, _, err := root.Find([]string{"load"})
	require.NoError(t, err)
	load.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		_, err := config.Read(cmd)
		return err
	}
	load.RunE = func(*cobra.Command, []string) error { return nil }
	root.SetArgs(append([]string{"load", "x"}, args...))
	return root.Execute()
}

// What is wrong with a flag is said in its words.
func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flag, value, want string }{
		{"--workers", "abc", `--workers "abc": want a whole number (see factload load --help)`},
		{"--workers", "-1", `--workers "-1": use 0 for one a core, or a positive number`},
		{"--force", "maybe", ""},
		{"--memory", "much", `--memory "much": want a size such as 16MiB, or a number of bytes`},
		{"--memory", "1MiB", `--memory "1MiB": use at least 64MiB, or 0 for no bound`},
		{"--rejects", "-", `--rejects "-": rejected rows go into a file: give its name`},
		{"--max-rejects", "few", `--max-rejects "few": use a number such as 100, or a share such as 0.5%`},
		{"--log-level", "loud", `--log-level "loud": use debug, info, warn or error`},
		{"--unknown-keys", "drop", `--unknown-keys "drop": use reject, ignore or collect:FIELD`},
		{"--compression", "gzip", `--compression "gzip": use none, lz4 or zstd, or leave it empty`},
	} {
		if test.want == "" {
			test.want = `--force "maybe": want true or false (see factload load --help)`
			require.EqualError(t, loaded(t, "--config", "none", test.flag+"="+test.value), test.want)
			continue
		}
		require.EqualError(t, loaded(t, "--config", "none", test.flag, test.value), test.want)
	}
}

// What is wrong in a file is said with its line.
func TestWrongConfigFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	for text, want := range map[string]string{
		"":                                   "",
		"# nothing\n":                        "",
		"load:\n":                            "",
		"LOAD: {workers: 2}\n":               "",
		"load.workers: 2\n":                  "",
		"x: [\n":                             `config file FILE: not YAML that can be read: line 1: did not find expected node content`,
		"dsn: a\nload:\n  workers: 1\n  a\n": `config file FILE: not YAML that can be read: line 4: could not find expected ':'`,
		"dsn: a\ndsn: b\n":                   `config file FILE: not YAML that can be read: line 2: mapping key "dsn" already defined at line 1`,
		"- load\n":                           `config file FILE:1: want keys with their values, as in config.yaml of the repository`,
		"log: {}\nload:\n  wrokers: 3\n":     `config file FILE:3: unknown key load.wrokers, did you mean "load.workers"?`,
		"workers: 3\nlod: {memory: 1}\n":     "config file FILE:1: unknown key workers, did you mean load.workers?\nconfig file FILE:2: unknown key lod: the keys are dsn, ",
		"load: 3\n":                          `config file FILE:1: load is a section: put its keys below it, indented`,
		"\nload: {workers: many}\n":          `load.workers is "many" (FILE:2): want a whole number, or 0 for one a core`,
		"load: {chunk_bytes: -1}\n":          `load.chunk_bytes is "-1" (FILE:1): want a size such as 16MiB, or a number of bytes`,
		"load: {memory: 1MiB}\n":             `load.memory is "1MiB" (FILE:1): use at least 64MiB, or 0 for no bound`,
		"schemas: {a: b}\n":                  `schemas (FILE:1): want a list of files or directories`,
		"serve: {password: [s3cret]}\n":      `serve.password (FILE:1): want one value`,
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		err := loaded(t, "--config", file)
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.Error(t, err, text)
		require.Contains(t, err.Error(), strings.ReplaceAll(want, "FILE", file), text)
		require.NotContains(t, err.Error(), "s3cret")
	}
	require.EqualError(t, loaded(t, "--config", "nowhere.yaml"), "config file nowhere.yaml: no such file")
}

func TestWrongVariables(t *testing.T) {
	t.Setenv("FACTLOAD_LOAD_WORKERS", "x")
	require.EqualError(t, loaded(t, "--config", "none"), `load.workers is "x" (FACTLOAD_LOAD_WORKERS): want a whole number, or 0 for one a core`)
	require.NoError(t, loaded(t, "--config", "none", "--workers", "2"))
}
