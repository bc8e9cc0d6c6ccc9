package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/embedded"
)

// The test binary is factload too: scripts run it under that name, and the
// engine is a child of it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"factload": func() { os.Exit(realMain()) }})
}

// TestScripts runs the command line as a user does, with an engine of its own
// for each script: see testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	p := scriptParams()
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// casesEnv is where inputs are that people have, and that are not in the repository.
const casesEnv = "FACTLOAD_TEST_CASES"

// TestCases loads inputs that people have, if they are there.
func TestCases(t *testing.T) {
	t.Parallel()
	dir := cmp.Or(os.Getenv(casesEnv), filepath.Join("..", "..", "..", "shared", "cases", "files"))
	dir, err := filepath.Abs(dir)
	require.NoError(t, err)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("there are no inputs in %s: %s tells where they are", dir, casesEnv)
	}
	p := scriptParams()
	p.Dir = "testdata/cases"
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("CASES", dir)
		return setup(env)
	}
	testscript.Run(t, p)
}

func scriptParams() testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			library, err := embedded.FindLibrary("")
			if err != nil {
				return err
			}
			env.Setenv(embedded.LibraryEnv, library)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command waits a second at its end
			return nil
		},
		Cmds: commands,
	}
}

// commands are what scripts have beside testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){"code": code, "engine": keepEngine}

// keepEngine keeps the engine of .factload/data running to the end of the script, where else each command starts it and
// stops it. Scripts without this line are about that.
func keepEngine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: engine")
	}
	use, err := embedded.Join(context.Background(), embedded.Config{DataDir: ts.MkAbs(".factload/data"), Backups: ts.MkAbs(".factload/data/backups")})
	ts.Check(err)
	ts.Defer(func() { ts.Check(use.Close(context.Background())) })
}

// code runs a program that must end with the given exit code:
//
//	code 3 factload load ...
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("%s ended with exit code %d, want %d", args[1], got, want)
	}
}
