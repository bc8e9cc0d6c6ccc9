package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// RunChild is for TestMain, before all else. In a process of [Child] with the same variable it does the work, and exits;
// else it returns.
func RunChild[T any](variable string, work func(context.Context, T) error) {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	var what T
	err := json.Unmarshal([]byte(text), &what)
	if err == nil {
		err = work(context.Background(), what)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child returns this test binary as a process, to be started and killed, that does the work of a [RunChild]. What it is
// given goes to it as JSON, in the environment variable. It does not outlive the test.
func Child(t testing.TB, variable string, what any) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), variable+"="+string(text))
	return cmd
}
