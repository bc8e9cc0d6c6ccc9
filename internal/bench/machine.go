package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/docker/go-units"
)

// WriteHeader says what is measured on what, and by which command.
func WriteHeader(ctx context.Context, out io.Writer, e *Engine, target string, args []string) error {
	version, err := e.Version(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Machine: %s, %d cores, %s. %s/%s, %s, ClickHouse %s, factload %s.\n\n",
		firstField("/proc/cpuinfo", "model name"), runtime.NumCPU(), memory(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), version, revision(ctx))
	text := ""
	if len(args) > 0 {
		text = " ARGS='" + strings.Join(args, " ") + "'"
	}
	fmt.Fprintf(out, "Command: `make %s%s`\n\n", target, text)
	return nil
}

// firstField returns the value of the first line "name : value" of a file.
func firstField(path, name string) string {
	text, _ := os.ReadFile(path) // not everywhere
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() string {
	var kb int64
	if _, err := fmt.Sscanf(firstField("/proc/meminfo", "MemTotal"), "%d kB", &kb); err != nil {
		return "unknown memory"
	}
	return units.BytesSize(float64(kb << 10))
}

// revision names the commit that is measured.
func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "of an unknown commit"
	}
	return strings.TrimSpace(string(out))
}
