package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/reeflective/readline"
	"golang.org/x/term"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
)

const promptHelp = `Statements end with a semicolon and may take several lines. Tab completes.
  \d          list the tables and views, with rows and size
  \d TABLE    list the columns of a table
  \timing     say how long each statement took, or no longer
  \q          leave, as Ctrl-D does
Ctrl-C cancels a statement, on the server too. Answers that are taller than the
terminal go through $PAGER (less -SRFX by default).
`

const tablesSQL = `SELECT name, engine, total_rows AS rows, formatReadableSize(total_bytes) AS size, comment
FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, '.inner') ORDER BY name`

const columnsSQL = `SELECT name, type, default_expression AS default, comment
FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position`

// prompt asks for statements until there are no more. Ctrl-C ends a statement and not the command, which SIGTERM ends
// with the next line.
func (q *asker) prompt(ctx context.Context) error {
	p := &prompter{asker: q, shell: readline.NewShell(), interrupts: make(chan os.Signal, 1)}
	signal.Notify(p.interrupts, os.Interrupt)
	defer signal.Stop(p.interrupts)
	p.shell.Prompt.Primary(func() string { return "factload> " })
	p.shell.AcceptMultiline = func(line []rune) bool {
		text := strings.TrimSpace(string(line))
		_, finished := splitStatements(text)
		return finished || strings.HasPrefix(text, `\`)
	}
	p.shell.Completer = p.complete
	if path, err := historyFile(); err == nil {
		p.shell.History.AddFromFile("statements", path)
	} else {
		q.Log.Warn("statements are not remembered", "error", err)
	}
	fmt.Fprintln(q.Out, `\? for help, Ctrl-D to leave`)
	for {
		line, err := p.shell.Readline()
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			continue
		case errors.Is(err, io.EOF):
			_, err = fmt.Fprintln(q.Out)
			return err
		case err != nil:
			return err
		}
		if i := (*cli.Interruption)(nil); errors.As(context.Cause(ctx), &i) && i.Signal == syscall.SIGTERM {
			return ctx.Err()
		}
		if p.run(context.WithoutCancel(ctx), strings.TrimSpace(line)) {
			return nil
		}
	}
}

// historyFile returns the file of statements that were typed before, which is made if need be, for the user alone.
func historyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "factload", "history")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	return path, f.Close()
}

// prompter is the state of a prompt.
type prompter struct {
	*asker
	shell      *readline.Shell
	timing     bool
	words      []string // for completion
	interrupts chan os.Signal
}

// run does what a line says, and reports whether it was the last one.
func (p *prompter) run(ctx context.Context, line string) (last bool) {
	command, argument, _ := strings.Cut(strings.TrimRight(line, "; "), " ")
	switch {
	case command == `\q`, command == "exit", command == "quit":
		return true
	case command == `\?`, command == "help":
		fmt.Fprint(p.Out, promptHelp)
	case command == `\timing`:
		p.timing = !p.timing
		fmt.Fprintf(p.Out, "timing is %s\n", map[bool]string{true: "on", false: "off"}[p.timing])
	case command == `\d` && argument == "":
		p.show(ctx, tablesSQL)
	case command == `\d`:
		p.show(ctx, columnsSQL, clickhouse.Param("table", strings.TrimSpace(argument)))
	case strings.HasPrefix(command, `\`):
		fmt.Fprintf(p.Err, "unknown command %s: \\? lists them\n", command)
	default:
		statements, _ := splitStatements(line)
		for _, statement := range statements {
			if !p.show(ctx, statement) {
				break
			}
		}
		p.words = nil // tables may have come or gone
	}
	return false
}

// show runs a statement and shows its answer or its error. Ctrl-C ends the statement and nothing else.
func (p *prompter) show(ctx context.Context, statement string, params ...any) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-p.interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(); <-done }()

	once := *p.asker
	once.params = slices.Concat(params, p.params)
	var answer bytes.Buffer
	begin := time.Now()
	err := once.ask(ctx, &firstLines{&answer, terminalLines}, statement)
	took := time.Since(begin)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(p.Err, "cancelled")
	case err != nil:
		fmt.Fprintln(p.Err, err)
	default:
		p.page(ctx, answer.Bytes())
	}
	if p.timing {
		fmt.Fprintf(p.Out, "%.3f s\n", took.Seconds())
	}
	return err == nil
}

// page shows a text, through the pager if it is taller than the terminal.
func (p *prompter) page(ctx context.Context, text []byte) {
	height := 0
	if f, ok := p.Out.(*os.File); ok {
		if _, h, err := term.GetSize(int(f.Fd())); err == nil {
			height = h
		}
	}
	pager := os.Getenv("PAGER")
	if pager == "" {
		pager = "less -SRFX"
	}
	words := strings.Fields(pager)
	if height == 0 || bytes.Count(text, []byte("\n")) < height || len(words) == 0 {
		_, _ = p.Out.Write(text)
		return
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the user's own program
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), p.Out, p.Err
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil { // it has not been started
		_, _ = p.Out.Write(text)
	}
}

// completionWait bounds how long completion waits for the server.
const completionWait = 2 * time.Second

// wordsSQL asks for what can be completed.
const wordsSQL = `SELECT DISTINCT word FROM (
	SELECT name AS word FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, '.inner')
	UNION ALL SELECT name FROM system.columns WHERE database = currentDatabase()
	UNION ALL SELECT name FROM system.functions
	UNION ALL SELECT keyword FROM system.keywords WHERE NOT position(keyword, ' ') > 0) ORDER BY word`

// complete returns the names of tables, columns and functions, and the keywords, that begin as the word at the cursor
// does. Capitals do not matter.
func (p *prompter) complete(line []rune, cursor int) readline.Completions {
	begin := cursor
	for begin > 0 && (line[begin-1] == '_' || line[begin-1] == '\\' || isWordRune(line[begin-1])) {
		begin--
	}
	word := string(line[begin:cursor])
	if strings.HasPrefix(word, `\`) {
		return readline.CompleteValues(`\d`, `\timing`, `\q`, `\?`)
	}
	if p.words == nil {
		ctx, cancel := context.WithTimeout(context.Background(), completionWait)
		defer cancel()
		var words []string
		if err := p.client.Select(ctx, &words, wordsSQL); err != nil {
			return readline.CompleteMessage("%v", err)
		}
		p.words = words
	}
	var fitting []string
	for _, w := range p.words {
		if len(w) >= len(word) && strings.EqualFold(w[:len(word)], word) {
			fitting = append(fitting, w)
		}
	}
	c := readline.CompleteValues(fitting...)
	c.PREFIX = word
	return c
}

func isWordRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
