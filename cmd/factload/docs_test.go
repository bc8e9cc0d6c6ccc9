package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/cmd/factload/internal/cli"
)

// pages are the README and the documents, by their paths from the repository's root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	out := map[string]string{}
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		out[strings.TrimPrefix(file, "../../")] = string(text)
	}
	require.Greater(t, len(out), 8)
	return out
}

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```") //nolint:gocritic // (?m): a line begins there

// command is a command of a page, and the lines that it prints there.
type command struct {
	line string
	want []string
}

// commandsOf returns the commands of a page: what stands behind "$ " in console blocks. A backslash goes on with the next
// line.
func commandsOf(page string) []command {
	var out []command
	for _, block := range consoleBlock.FindAllStringSubmatch(page, -1) {
		text := strings.ReplaceAll(block[1], "\\\n", " ")
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if c, ok := strings.CutPrefix(line, "$ "); ok {
				out = append(out, command{line: c})
			} else if len(out) > 0 {
				out[len(out)-1].want = append(out[len(out)-1].want, line)
			}
		}
	}
	return out
}

// Every factload command in the README and the documents is one that there is, with flags and arguments that it takes.
func TestDocumentedCommandsExist(t *testing.T) {
	t.Parallel()
	checked := 0
	for name, page := range pages(t) {
		for _, c := range commandsOf(page) {
			words := wordsOf(c.line)
			for i, word := range words {
				if word != "factload" || i > 0 && !slices.Contains([]string{"|", "&&", ";", "!"}, words[i-1]) {
					continue
				}
				requireCommand(t, name+": "+c.line, untilShell(words[i+1:]))
				checked++
			}
		}
	}
	require.Greater(t, checked, 40)
}

var shellWord = regexp.MustCompile(`(?:[^\s"']|"[^"]*"|'[^']*')+`)

// wordsOf splits a command as a shell does, as far as documents need it.
func wordsOf(line string) []string {
	words := shellWord.FindAllString(line, -1)
	for i, word := range words {
		if strings.HasPrefix(word, "#") {
			return words[:i] // a comment
		}
		words[i] = strings.NewReplacer(`"`, "", `'`, "").Replace(word)
	}
	return words
}

// untilShell returns the arguments of a command, without what the shell does with it.
func untilShell(words []string) []string {
	for i, word := range words {
		if slices.Contains([]string{"|", "||", "&&", "&", ";", ">", "<", "2>"}, word) {
			return words[:i]
		}
	}
	return words
}

func requireCommand(t *testing.T, where string, args []string) {
	t.Helper()
	cmd, rest, err := newRoot(&cli.App{}).Find(args)
	require.NoError(t, err, where)
	require.NoError(t, cmd.ParseFlags(rest), where)
	if cmd.Args != nil {
		require.NoError(t, cmd.Args(cmd, cmd.Flags().Args()), where)
	}
}

// runPage marks a page whose commands are run, and names a program that they need.
var runPage = regexp.MustCompile(`<!-- test: run(?: needs (\S+))? -->`)

// Pages that are marked so work when they are followed literally in an empty folder, and print what stands there.
func TestPagesThatAreRun(t *testing.T) {
	t.Parallel()
	ran := 0
	for name, page := range pages(t) {
		if mark := runPage.FindStringSubmatch(page); mark != nil {
			ran++
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(mark[1]); mark[1] != "" && err != nil {
					t.Skipf("%s is NOT followed: there is no %s", name, mark[1])
				}
				follow(t, page)
			})
		}
	}
	require.NotZero(t, ran)
}

// followLimit ends a page that waits for what does not come.
const followLimit = 8 * time.Minute

// follow runs the commands of a page in a shell.
func follow(t *testing.T, page string) {
	t.Helper()
	library, err := embedded.FindLibrary("")
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	programs, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(programs, "factload"))) // see TestMain

	write := regexp.MustCompile("(?ms)^<!-- test: write (\\S+) -->\n```[a-z]*\n(.*?)^```") //nolint:gocritic // (?m): a line begins there
	for _, block := range write.FindAllStringSubmatch(page, -1) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, block[1]), []byte(block[2]), 0o600))
	}
	commands := commandsOf(page)
	script := "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT\n"
	for i, c := range commands {
		line := c.line
		if strings.HasPrefix(line, "go get ") { // the module is the one that is tested
			line = "go work init . " + repository
		}
		script += fmt.Sprintf("echo '<<%d>>'\n%s\n", i, line)
	}
	ctx, cancel := context.WithTimeout(t.Context(), followLimit)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", script)
	shell.Dir = dir
	// Ports that the system chooses, as there are other engines on this machine.
	shell.Env = append(os.Environ(), embedded.LibraryEnv+"="+library, "PATH="+programs+":"+os.Getenv("PATH"),
		"FACTLOAD_SERVE_HTTP=127.0.0.1:0", "FACTLOAD_SERVE_NATIVE=127.0.0.1:0")
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGTERM) }
	shell.WaitDelay = time.Minute
	var out, errs bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &errs
	err = shell.Run()
	for i, c := range commands {
		_, rest, found := strings.Cut(out.String(), fmt.Sprintf("<<%d>>\n", i))
		require.True(t, found, "not reached: %s\n%s\n%s", c.line, out.String(), errs.String())
		printed, _, _ := strings.Cut(rest, fmt.Sprintf("<<%d>>\n", i+1))
		if len(c.want) > 0 {
			pattern := regexp.QuoteMeta(strings.Join(c.want, "\n"))
			pattern = strings.ReplaceAll(pattern, "…", "(?s:.*)")
			require.Regexp(t, "^"+pattern+"\n$", printed, "%s\n%s", c.line, errs.String())
		}
	}
	require.NoError(t, err, "%s\n%s", out.String(), errs.String())
}

// docs/cli.md is what the commands say of themselves.
func TestCommandReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Commands\n\nWhat `factload help COMMAND` prints, on one page. Every flag below \"Options of all commands\" works with all of them.\n\n")
	root := newRoot(&cli.App{})
	root.InitDefaultHelpCmd()
	describe(&b, root, "Options of all commands")
	for _, cmd := range root.Commands() {
		describeAll(&b, cmd)
	}
	const path = "../../docs/cli.md"
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, string(text) == b.String(), "docs/cli.md is not what the commands say: UPDATE_SCRIPTS=1 go test ./cmd/factload -run CommandReference writes it")
}

func describeAll(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
		return
	}
	describe(b, cmd, "Options")
	for _, sub := range cmd.Commands() {
		describeAll(b, sub)
	}
}

func describe(b *strings.Builder, cmd *cobra.Command, options string) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(b, "## %s\n\n```text\n%s\n\nUsage:\n  %s\n", cmd.CommandPath(), strings.TrimSpace(text), cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	flags := cmd.LocalFlags()
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "version" || f.Name == "help" {
			f.Hidden = true
		}
	})
	if usages := flags.FlagUsages(); usages != "" {
		fmt.Fprintf(b, "\n%s:\n%s\n", options, strings.TrimRight(usages, "\n"))
	}
	b.WriteString("```\n\n")
}
