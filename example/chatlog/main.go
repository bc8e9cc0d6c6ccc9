// Chatlog is a chat service whose log survives. It records answers from many
// goroutines, is killed, starts again, heals its table, publishes its log, and
// answers a question in SQL. Each step is printed.
//
//	FACTLOAD_DSN=clickhouse://... go run ./example/chatlog
//
// A running `factload serve --dsn-file F` has the DSN in the first line of F.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "chatlog:", err)
		os.Exit(1)
	}
}

// The variables of the process that is killed.
const (
	dsnEnv = "FACTLOAD_DSN"
	logEnv = "CHATLOG_LOG" // set in that process only
)

func run(ctx context.Context) error {
	dsn := os.Getenv(dsnEnv)
	if path := os.Getenv(logEnv); path != "" {
		return serve(ctx, dsn, path, os.Stdout)
	}
	dir, err := os.MkdirTemp("", "chatlog")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the directory for such files
	return show(ctx, dsn, filepath.Join(dir, "log.db"), os.Stdout)
}

// show kills the service and lets it start again.
func show(ctx context.Context, dsn, path string, w io.Writer) (err error) {
	acknowledged, err := recordAndDie(ctx, dsn, path)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "killed after at least %d acknowledged answers\n", acknowledged); err != nil {
		return err
	}
	s, err := open(ctx, dsn, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	return s.recover(ctx, w)
}

// recordAndDie runs the service in a process of its own, kills it in the middle of
// its work, and returns how many answers it had acknowledged by then.
func recordAndDie(ctx context.Context, dsn, path string) (acknowledged int, err error) {
	const enough = 200
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), dsnEnv+"="+dsn, logEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); acknowledged++ {
		if acknowledged == enough {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); acknowledged < enough {
		return 0, fmt.Errorf("the service ended by itself: %w", err)
	}
	return acknowledged, nil
}
