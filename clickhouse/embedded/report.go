//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The child reports in lines that it writes to reportFD. The last one is the two ports, written by the engine itself at
// the end of its start, or what went wrong before the engine ran. Errors are a word and a JSON string.
const (
	reportOpen    = "open "   // the engine runs, and the kernel does not confine it as it should
	reportFailure = "failed " // there is no engine
)

// report is what the child has told of a start.
type report struct {
	native, http uint16 // where the engine listens
	open         error  // what is missing of the sandbox
}

// sendReport writes an error from the child's side.
func sendReport(word string, err error) {
	text, _ := json.Marshal(err.Error()) // a string can be marshalled
	_, _ = unix.Write(reportFD, fmt.Appendf(nil, "%s%s\n", word, text))
}

// errNoReport means that the process ended, or closed the pipe, without a report.
var errNoReport = errors.New("no report")

// readReport waits for the child's report.
func readReport(ctx context.Context, from *os.File) (r report, err error) {
	stop := context.AfterFunc(ctx, func() { _ = from.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		switch {
		case ctx.Err() != nil:
			return r, context.Cause(ctx)
		case err != nil:
			return r, errNoReport
		}
		line = strings.TrimSuffix(line, "\n")
		if text, open := strings.CutPrefix(line, reportOpen); open {
			r.open = reportedError(text)
			continue
		}
		err = r.parse(line)
		return r, err
	}
}

// parse reads the last line.
func (r *report) parse(line string) (err error) {
	if text, failed := strings.CutPrefix(line, reportFailure); failed {
		return reportedError(text)
	}
	native, http, _ := strings.Cut(line, "\t")
	if r.native, err = parsePort(native); err != nil {
		return err
	}
	r.http, err = parsePort(http)
	return err
}

// reportedError is the error that sendReport has written.
func reportedError(text string) error {
	var message string
	if json.Unmarshal([]byte(text), &message) != nil {
		message = text
	}
	return errors.New(message)
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("the engine reports %q as a port", s)
	}
	return uint16(n), nil
}
