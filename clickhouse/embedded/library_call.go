//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/factload/factload/clickhouse/embedded/internal/harden"
)

// runSymbol is the C function of libchdb that runs clickhouse-local with a command line.
const runSymbol = "query_stable_v2"

// runResult is what runSymbol returns. Only the error is of interest here.
type runResult struct {
	_       uintptr // buf
	_       uintptr // len
	_       uintptr // private
	_       float64 // elapsed
	_, _    uint64  // rows, bytes read
	message *byte
}

// engineFunc runs clickhouse-local in this process with args, until its queries have ended. It must be called once at
// most, and the process should end soon after: the engine does not clean up after itself.
type engineFunc func(args []string) error

// loadEngine loads the library.
func loadEngine(library string) (engineFunc, error) {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load library: %w", err)
	}
	address, err := purego.Dlsym(handle, runSymbol)
	if err != nil {
		return nil, fmt.Errorf("load library %s: it has no function %s, so it is not a libchdb that can be used here", library, runSymbol)
	}
	if err := harden.Library(library, runSymbol, address); err != nil {
		fmt.Fprintln(os.Stderr, "embedded engine: a client whose login fails may end this engine: harden:", err)
	}
	var run func(argc int, argv **byte) *runResult
	purego.RegisterFunc(&run, address)
	return func(args []string) error { return runEngine(run, args) }, nil
}

func runEngine(run func(argc int, argv **byte) *runResult, args []string) error {
	argv := []*byte{cString("clickhouse")} // the library chooses by this name what to run
	for _, arg := range args {
		argv = append(argv, cString(arg))
	}
	argc := len(argv)
	argv = append(argv, nil)
	result := run(argc, &argv[0])
	runtime.KeepAlive(argv)
	if result == nil {
		return fmt.Errorf("%s returned nothing", runSymbol)
	}
	if result.message != nil {
		return errors.New(goString(result.message))
	}
	return nil
}

func cString(s string) *byte { return &append([]byte(s), 0)[0] }

func goString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
