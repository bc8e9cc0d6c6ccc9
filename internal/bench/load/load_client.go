package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/factload/factload/clickhouse/embedded"
)

// loadClient lets ClickHouse's own code parse the file in this process and send
// blocks to the server in the native protocol, as clickhouse-client does when
// it loads a file. The library has no clickhouse-client; its clickhouse-local
// does the same with the table function remote.
func loadClient(_ context.Context, j job) error {
	library, err := embedded.FindLibrary("")
	if err != nil {
		return err
	}
	at, err := url.Parse(j.DSN)
	if err != nil {
		return err
	}
	password, _ := at.User.Password()
	sql := fmt.Sprintf("INSERT INTO FUNCTION remote(%s, %s, %s, %s, %s) FROM INFILE %s FORMAT JSONEachRow",
		quote(at.Host), quote(strings.TrimPrefix(at.Path, "/")), quote(j.Table), quote(at.User.Username()), quote(password), quote(j.File))
	return runLocal(library, "--date_time_input_format", "best_effort", "--query", sql)
}

// quote writes a string literal of SQL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// localResult is what the library's function returns. Only the error is of
// interest.
type localResult struct {
	_       [3]uintptr
	_       float64
	_, _    uint64
	message *byte
}

// runLocal runs clickhouse-local in this process, once.
func runLocal(library string, args ...string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return err
	}
	var run func(argc int, argv **byte) *localResult
	purego.RegisterLibFunc(&run, handle, "query_stable_v2")
	argv := make([]*byte, 0, len(args)+2)
	for _, arg := range append([]string{"clickhouse"}, args...) {
		argv = append(argv, &append([]byte(arg), 0)[0])
	}
	r := run(len(argv), &append(argv, nil)[0])
	if r == nil {
		return errors.New("clickhouse-local did not run")
	}
	if r.message != nil {
		n := 0
		for *(*byte)(unsafe.Add(unsafe.Pointer(r.message), n)) != 0 { //nolint:gosec // a C string
			n++
		}
		return errors.New(string(unsafe.Slice(r.message, n))) //nolint:gosec // the same
	}
	return nil
}
