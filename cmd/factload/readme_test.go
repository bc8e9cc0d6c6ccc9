package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/schemas"
)

// marked returns the code block of a page behind <!-- test: mark -->.
func marked(t *testing.T, page, mark string) string {
	t.Helper()
	pattern := "<!-- test: " + regexp.QuoteMeta(mark) + " -->\n```[a-z]*\n((?s).*?)```"
	block := regexp.MustCompile(pattern).FindStringSubmatch(pages(t)[page])
	require.NotNil(t, block, "%s has no block marked %q", page, mark)
	return block[1]
}

// The service in the README and in the tutorial is the one that is compiled and tested.
func TestReadmeService(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("../../example/service/main.go")
	require.NoError(t, err)
	require.Contains(t, string(code), marked(t, "README.md", "in example/service/main.go"))
	require.Equal(t, string(code), marked(t, "docs/tutorial.md", "write main.go"))
}

// The struct in the documents is the one of an example.
func TestReadmeStruct(t *testing.T) {
	t.Parallel()
	const file = "schemas/example_record_test.go"
	code, err := os.ReadFile("../../" + file)
	require.NoError(t, err)
	require.Contains(t, string(code), marked(t, "docs/schemas.md", "in "+file))
}

// Every schema in the page about them is one, and can be used beside the built-in ones.
func TestReadmeSchemas(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(pages(t)["docs/schemas.md"], -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		defs, err := schemas.Parse("schemas.md", []byte(block[1]))
		require.NoError(t, err)
		_, err = schemas.NewRegistry(append(schemas.Builtins(), defs...)...)
		require.NoError(t, err)
	}
}

// The commands of the README work as they stand there, and the schema is the
// one that is inferred.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	var script strings.Builder
	for line := range strings.Lines(marked(t, "README.md", "load") + marked(t, "docs/schemas.md", "plan")) {
		command, ok := strings.CutPrefix(line, "$ ")
		require.True(t, ok, line)
		command, _, _ = strings.Cut(command, " # ")
		command, file, redirected := strings.Cut(strings.TrimSpace(command), " > ")
		fmt.Fprintln(&script, "exec "+strings.ReplaceAll(command, `"`, "'"))
		if redirected {
			fmt.Fprintf(&script, "cp stdout %s\ncmp %s want.yaml\n", file, file)
		}
		if strings.Contains(command, "SELECT") {
			script.WriteString("stdout ' 1000 .* 0.75 '\n")
		}
	}
	script.WriteString("stdout '^ok       statement$'\n")
	script.WriteString("exec factload apply --schemas chat_message.yaml --yes\nstdout 'table chat_message: done'\n")
	script.WriteString("-- chat_message.yaml --\n" + marked(t, "docs/schemas.md", "schema chat_message.yaml"))
	script.WriteString("-- want.yaml --\n" + marked(t, "docs/schemas.md", "schema statement.yaml") + "-- statements.jsonl --\n")
	for i := range 1000 {
		fmt.Fprintf(&script, `{"question":"Q%d","statement":"S%d","label_confidence":%v,"answer_matching_behavior":"%s","answer_not_matching_behavior":"%s"}`+"\n",
			i, i, []float64{0.5, 1}[i%2], []string{" Yes", " No"}[i%2], []string{" No", " Yes"}[i%2])
	}
	file := filepath.Join(t.TempDir(), "readme.txtar")
	require.NoError(t, os.WriteFile(file, []byte(script.String()), 0o600))
	p := scriptParams()
	p.Files = []string{file}
	testscript.Run(t, p)
}

// The schema that is shown for clusters is one, and makes the tables that the page speaks of.
func TestDocumentedCluster(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cluster.txtar")
	script := "exec factload ddl --schemas answer.yaml answer\n" +
		"stdout 'CREATE TABLE IF NOT EXISTS `answer_local` ON CLUSTER `main`'\nstdout 'ENGINE = ReplicatedMergeTree'\n" +
		"stdout 'ENGINE = Distributed\\(''main'', currentDatabase\\(\\), ''answer_local'', cityHash64\\(id\\)\\)'\n" +
		"-- answer.yaml --\n" + marked(t, "docs/cluster.md", "schema answer.yaml")
	require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
	p := scriptParams()
	p.Files = []string{file}
	testscript.Run(t, p)
}

// The exit codes that are documented are those of the program.
func TestDocumentedExitCodes(t *testing.T) {
	t.Parallel()
	text := pages(t)["docs/configuration.md"]
	for code, meaning := range map[int]string{cli.ExitOK: "all rows are loaded", cli.ExitFailed: "failed", cli.ExitUsage: "wrong usage", cli.ExitRejected: "some rows were rejected", cli.ExitChanges: "differs from its schema", cli.ExitCondition: "--fail-if", cli.ExitSignal + int(syscall.SIGINT): "interrupted"} {
		require.Regexp(t, fmt.Sprintf(`\| %d[0-9, ]* \| [^|]*%s`, code, meaning), text)
	}
}
