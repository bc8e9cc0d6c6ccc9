//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// errNotDir is what the system says of a path through a file.
var errNotDir error = syscall.ENOTDIR

// process is one engine process, from its start to its end.
type process struct {
	pid     int
	control *os.File // write end; closed when the process has ended
	report  *os.File // read end; closed when the process has ended or has reported
	stderr  tail
	logFile string

	asked atomic.Bool   // Stop or Kill was called: the end is no surprise
	done  chan struct{} // closed when the process has ended, and its lock is released
	err   error         // how it ended; set before done is closed
}

// spawn starts an engine process. It takes ownership of lock: the file is closed when the process has ended, or could
// not be started.
func spawn(library string, files layout, lock *os.File) (*process, error) {
	control, toChild, err := pipePair()
	if err != nil {
		lock.Close()
		return nil, err
	}
	fromChild, report, err := pipePair()
	if err != nil {
		closeAll(lock, control, toChild)
		return nil, err
	}
	p := &process{control: toChild, report: fromChild, logFile: files.engineLog(), done: make(chan struct{})}
	nonce := rand.Text()
	cmd, err := p.command(nonce, files.root)
	if err != nil {
		closeAll(lock, control, toChild, fromChild, report)
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{control, report, lock} // controlFD, reportFD, lockFD
	started := make(chan error)
	go p.own(cmd, lock, started)
	err = <-started
	closeAll(control, report)
	if err != nil {
		<-p.done
		return nil, fmt.Errorf("start engine process: %w", err)
	}
	order := launch{Nonce: nonce, Library: library, Args: engineArgs(files)}
	if err := json.NewEncoder(toChild).Encode(order); err != nil {
		p.kill()
		return nil, p.failure(fmt.Errorf("start engine process: %w", err))
	}
	return p, nil
}

func pipePair() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start engine process: %w", err)
	}
	return r, w, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func engineArgs(files layout) []string {
	return []string{
		"--config-file", files.config(), "--path", files.data(), "--log-level", "warning",
		"--queries-file", files.start(), // and one more file, which the child adds
	}
}

// command is this program, marked as an engine process.
func (p *process) command(nonce, dir string) (*exec.Cmd, error) {
	path, err := self()
	if err != nil {
		return nil, fmt.Errorf("start engine process: %w", err)
	}
	return &exec.Cmd{
		Path:        path,
		Args:        []string{"factload-engine"},
		Dir:         dir,
		Env:         append(childEnviron(dir), fmt.Sprintf("%s=%d:%s", childEnv, os.Getpid(), nonce)),
		Stderr:      &p.stderr,
		SysProcAttr: childAttr(),
		WaitDelay:   time.Second,
	}, nil
}

// childEnviron passes on what a program needs to run, and not the secrets that a service's environment may hold.
func childEnviron(dir string) []string {
	env := []string{"HOME=" + dir, "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "LANG", "LC_ALL", "GORACE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// own starts the process, waits for its end and cleans up after it. The kernel kills the child when the thread that
// started it ends, so this goroutine keeps a thread to itself for as long as the child lives.
func (p *process) own(cmd *exec.Cmd, lock *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer closeAll(p.control, p.report, lock)
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	if err := writeHolder(lock, holder{PID: p.pid, Parent: os.Getpid()}); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		started <- err
		return
	}
	started <- nil
	err := cmd.Wait()
	if !p.asked.Load() {
		if err == nil {
			err = errors.New("exit status 0")
		}
		p.err = p.failure(fmt.Errorf("engine process %d ended by itself: %w", p.pid, err))
	}
}

// failure adds the engine's last words to err.
func (p *process) failure(err error) error {
	lines := p.stderr.lines()
	lines = append(lines, fileTail(p.logFile)...)
	if len(lines) == 0 {
		return err
	}
	return fmt.Errorf("%w; the engine's last words:\n\t%s", err, strings.Join(lines, "\n\t"))
}

// orEnded returns the end of the process, if it has ended, as the better explanation of err.
func (p *process) orEnded(err error) error {
	if p.ended() && p.err != nil {
		return p.err
	}
	return err
}

// ended reports whether the process has ended. Then p.err may be read.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// listening waits until the process reports the two ports it listens on.
func (p *process) listening(ctx context.Context) (native, http uint16, err error) {
	stop := context.AfterFunc(ctx, func() { _ = p.report.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(p.report).ReadString('\n')
	switch {
	case ctx.Err() != nil:
		return 0, 0, context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed):
		<-p.done
		return 0, 0, p.err
	case err != nil:
		return 0, 0, fmt.Errorf("read the engine's ports: %w", err)
	}
	n, h, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
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
		return 0, fmt.Errorf("read the engine's ports: %q is not a port", s)
	}
	return uint16(n), nil
}

// kill ends the process at once and waits for its end.
func (p *process) kill() {
	p.asked.Store(true)
	_ = syscall.Kill(p.pid, syscall.SIGKILL) // not reaped before done is closed, so the number is still its own
	<-p.done
}

// stop asks the process to end in good order, and waits. If ctx ends first, the process is killed.
func (p *process) stop(ctx context.Context) error {
	p.asked.Store(true)
	_, _ = io.WriteString(p.control, stopCommand) // fails only if the process has ended
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("engine did not stop in time and was killed: %w", context.Cause(ctx))
	}
}
