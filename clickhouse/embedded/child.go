//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/factload/factload/clickhouse/embedded/internal/sandbox"
)

// The environment variable that marks an engine process. Its value is the parent's process number and a nonce, which
// the launch order on controlFD must repeat.
const childEnv = "FACTLOAD_EMBEDDED_ENGINE_CHILD"

// childName is what process lists show.
const childName = "factload-engine"

// File descriptors that the child inherits.
const (
	controlFD = 3 // read end: the launch order, then commands; when it closes, the parent is gone
	reportFD  = 4 // write end: where the engine listens
	lockFD    = 5 // the locked file of the data directory; never used, only held
	usesFD    = 6 // of a shared engine: the file that those who use it have locked
)

// Commands on controlFD.
const (
	stopCommand  = "stop\n"        // ends the engine in good order
	watchCommand = "watch %d %d\n" // names the ports of the native and of the HTTP protocol, to look after their clients
)

// launch is the parent's order to the child: one line of JSON on controlFD.
type launch struct {
	Nonce   string          `json:"nonce"`
	Library string          `json:"library"`
	Args    []string        `json:"args"`
	Sandbox sandbox.Sandbox `json:"sandbox"`
	Shared  bool            `json:"shared"` // it ends with the last of those who use it, and not with its parent
}

// init turns this process into an engine if Start has executed it for that. An init function is used, and not a hook
// that main must call, since a program whose author forgot the hook would start itself again and again.
func init() {
	if mark, marked := os.LookupEnv(childEnv); marked {
		os.Exit(childMain(mark))
	}
}

// childMain is the whole life of an engine process. It runs on the main thread, as init functions do.
func childMain(mark string) int {
	_ = os.Unsetenv(childEnv) // nothing that this process may start is an engine
	nameProcess(childName)
	control := bufio.NewReader(os.NewFile(controlFD, "control"))
	order, err := readOrder(mark, control)
	if err != nil {
		fmt.Fprintln(os.Stderr, "embedded engine:", err) // reportFD may be anything
		return 1
	}
	var hold [2]int // the engine reads its last queries from here, and so runs until the other end is closed
	if err := syscall.Pipe(hold[:]); err != nil {
		return childFailed(fmt.Errorf("pipe: %w", err))
	}
	go obey(control, hold[1], order.Shared)
	if order.Shared {
		go endWithUses(hold[1])
	}
	run, err := loadEngine(order.Library)
	if err != nil {
		return childFailed(err)
	}
	if err := order.Sandbox.Enter(order.Library); err != nil {
		sendReport(reportOpen, err)
	}
	if err := run(append(order.Args, fdPath(hold[0]))); err != nil {
		return childFailed(err)
	}
	return 0
}

// readOrder believes the mark only if the process that wrote it is the parent, and sent the same nonce.
func readOrder(mark string, control *bufio.Reader) (launch, error) {
	parent, nonce, _ := strings.Cut(mark, ":")
	if parent != strconv.Itoa(os.Getppid()) {
		return launch{}, fmt.Errorf("environment variable %s is private: unset it", childEnv)
	}
	var order launch
	line, err := control.ReadBytes('\n')
	if err != nil {
		return launch{}, fmt.Errorf("read launch order: %w", err)
	}
	if err := json.Unmarshal(line, &order); err != nil {
		return launch{}, fmt.Errorf("read launch order: %w", err)
	}
	if nonce == "" || order.Nonce != nonce {
		return launch{}, fmt.Errorf("environment variable %s is private: unset it", childEnv)
	}
	return order, nil
}

// obey carries out the parent's commands, and ends the process at once when the parent of an engine that is not shared is
// gone. It needs no owner: it lives as long as the process.
func obey(control *bufio.Reader, hold int, shared bool) {
	for {
		command, err := control.ReadString('\n')
		var native, http int
		_, notWatch := fmt.Sscanf(command, watchCommand, &native, &http)
		switch {
		case err != nil && shared:
			return
		case err != nil: // the pipe is closed
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case command == stopCommand:
			end(hold)
		case notWatch == nil:
			go dropStrangers(native, http)
		}
	}
}

// end has the engine end in good order.
func end(hold int) {
	_ = syscall.Close(hold)
	go hangUp()
}

// endWithUses ends the process when nobody uses the engine any more: each of those who do holds a shared lock, which the
// kernel takes away however they end, and this waits for the exclusive one. While it has that, until the process has
// ended, nobody can begin to use it.
func endWithUses(hold int) {
	for {
		err := syscall.Flock(usesFD, syscall.LOCK_EX)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EINTR) {
			fmt.Fprintln(os.Stderr, "embedded engine: wait for its users:", err)
			break
		}
	}
	end(hold)
	time.Sleep(stopTimeout) //nolint:forbidigo // the last moments of a process that has nothing else to do
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// hangUp ends the connections of clients again and again, while the engine shuts down. Left alone, one idle connection
// in a client's pool makes the engine wait for five seconds and then leave without flushing its buffers.
func hangUp() {
	for range time.Tick(10 * time.Millisecond) {
		for _, fd := range openFiles() {
			peer, err := syscall.Getpeername(fd)
			if err != nil {
				continue // no socket, or a listening one
			}
			switch peer.(type) {
			case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
				_ = syscall.Shutdown(fd, syscall.SHUT_RDWR)
			}
		}
	}
}

// openFiles returns the file descriptors of this process.
func openFiles() []int {
	entries, _ := os.ReadDir(fdDir) // without it, stopping takes longer
	fds := make([]int, 0, len(entries))
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil {
			fds = append(fds, fd)
		}
	}
	return fds
}

// childFailed tells the parent why there is no engine, or no more. Once the engine has run, nobody reads the report,
// but the standard error ends up among the last words.
func childFailed(err error) int {
	sendReport(reportFailure, err)
	fmt.Fprintln(os.Stderr, "embedded engine:", err)
	return 1
}
