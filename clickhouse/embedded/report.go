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
)

// A report is one line that the child writes to reportFD: the two ports, written by the engine itself at the end of
// startSQL, or what went wrong before the engine ran, as reportFailure and a JSON string.
const reportFailure = "failed "

// sendFailure writes a failure from the child's side.
func sendFailure(err error) {
	text, _ := json.Marshal(err.Error()) // a string can be marshalled
	_, _ = fmt.Fprintf(os.NewFile(reportFD, "report"), "%s%s\n", reportFailure, text)
}

// errNoReport means that the process ended, or closed the pipe, without a report.
var errNoReport = errors.New("no report")

// readReport waits for the child's report.
func readReport(ctx context.Context, from *os.File) (native, http uint16, err error) {
	stop := context.AfterFunc(ctx, func() { _ = from.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(from).ReadString('\n')
	switch {
	case ctx.Err() != nil:
		return 0, 0, context.Cause(ctx)
	case err != nil:
		return 0, 0, errNoReport
	}
	return parseReport(strings.TrimSuffix(line, "\n"))
}

func parseReport(line string) (native, http uint16, err error) {
	if text, failed := strings.CutPrefix(line, reportFailure); failed {
		var message string
		if err := json.Unmarshal([]byte(text), &message); err != nil {
			message = text
		}
		return 0, 0, errors.New(message)
	}
	n, h, _ := strings.Cut(line, "\t")
	if native, err = parsePort(n); err != nil {
		return 0, 0, err
	}
	if http, err = parsePort(h); err != nil {
		return 0, 0, err
	}
	return native, http, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("the engine reports %q as a port", s)
	}
	return uint16(n), nil
}
