//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/factload/factload/clickhouse/embedded/internal/sandbox"
)

// errNotDir is what the system says of a path through a file.
var errNotDir error = syscall.ENOTDIR

// stopTimeout is how long an engine may take to stop, even if nobody else sets a limit.
const stopTimeout = 30 * time.Second

// process is one engine process, from its start to its end.
type process struct {
	os      *os.Process
	control *os.File // write end; closed when the process has ended
	report  *os.File // read end; closed when it has been read and the process has ended
	stderr  *os.File // what the process says; closed when it has ended
	logs    []logFile
	logger  *slog.Logger

	asked atomic.Bool   // Stop or Kill was called: the end is no surprise
	read  chan struct{} // closed when nobody reads the report any more
	done  chan struct{} // closed when the process has ended, and its lock is released
	err   error         // how it ended; set before done is closed
}

// order is what an engine process is started with.
type order struct {
	library string
	files   layout
	sandbox sandbox.Sandbox
	lock    *os.File // of the data directory
	uses    *os.File // nil: the process ends with this one; else it ends when nobody else has this file locked
	logger  *slog.Logger
}

// spawn starts an engine process. It takes ownership of the lock: it is closed when the process has ended, or could not
// be started. The file uses stays the caller's, who may close it then.
func spawn(o order) (*process, error) {
	lock, files, logger := o.lock, o.files, o.logger
	control, toChild, err := pipePair()
	if err != nil {
		closeAll(lock)
		return nil, err
	}
	fromChild, report, err := pipePair()
	if err != nil {
		closeAll(lock, control, toChild)
		return nil, err
	}
	p := &process{
		control: toChild, report: fromChild, logger: logger,
		logs: []logFile{{path: files.stderr()}, openLog(files.engineLog())}, done: make(chan struct{}), read: make(chan struct{}),
	}
	nonce := rand.Text()
	cmd, err := p.command(nonce, files)
	if err != nil {
		closeAll(lock, control, toChild, fromChild, report)
		return nil, err
	}
	cmd.SysProcAttr = childAttr(o.uses == nil)
	cmd.ExtraFiles = []*os.File{control, report, lock} // controlFD, reportFD, lockFD
	if o.uses != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, o.uses) // usesFD
	}
	started := make(chan error)
	go p.own(cmd, lock, files, started)
	err = <-started
	closeAll(control, report)
	if err != nil {
		close(p.read)
		<-p.done
		return nil, fmt.Errorf("engine process: %w", err)
	}
	order := launch{Nonce: nonce, Library: o.library, Args: engineArgs(files), Sandbox: o.sandbox, Shared: o.uses != nil}
	if err := json.NewEncoder(toChild).Encode(order); err != nil {
		close(p.read)
		_ = p.kill() // the error that is returned says more
		return nil, p.withLastWords(fmt.Errorf("engine process: send launch order: %w", err))
	}
	return p, nil
}

func pipePair() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("engine process: %w", err)
	}
	return r, w, nil
}

// closeAll closes files that nothing has been written to, or whose reader does not care any more.
func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func engineArgs(files layout) []string {
	return []string{
		"--config-file", files.config(), "--path", files.data(), "--log-level", "warning",
		"--queries-file", files.start(), // and one more file, which the child adds
	}
}

// command is this program, marked as an engine process.
func (p *process) command(nonce string, files layout) (*exec.Cmd, error) {
	path, err := self()
	if err != nil {
		return nil, fmt.Errorf("engine process: %w", err)
	}
	// A file, since the process may outlive the reader of a pipe.
	p.stderr, err = os.OpenFile(files.stderr(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("engine process: %w", err)
	}
	return &exec.Cmd{
		Path:   path,
		Args:   []string{childName},
		Dir:    files.root,
		Env:    append(childEnviron(files), fmt.Sprintf("%s=%d:%s", childEnv, os.Getpid(), nonce)),
		Stderr: p.stderr,
	}, nil
}

// childEnviron passes on what a program needs to run, and not the secrets that a service's environment may hold.
func childEnviron(files layout) []string {
	env := []string{"HOME=" + files.run(), "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "LANG", "LC_ALL", "GORACE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// own starts the process, waits for its end and cleans up after it. The kernel kills the child when the thread that
// started it ends, so this goroutine keeps a thread to itself for as long as the child lives.
func (p *process) own(cmd *exec.Cmd, lock *os.File, files layout, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer closeAll(p.control, p.stderr, lock)
	if err := cmd.Start(); err != nil {
		closeAll(p.report)
		started <- err
		return
	}
	defer func() { // a child that ends at once has its say
		<-p.read
		closeAll(p.report)
	}()
	p.os = cmd.Process
	err := writeHolder(lock, holder{PID: p.pid(), Parent: os.Getpid(), Shared: len(cmd.ExtraFiles) > usesFD-3})
	if err != nil {
		p.asked.Store(true)
		_ = p.os.Kill()
	}
	started <- err
	err = cmd.Wait()
	_ = os.Remove(files.dsn()) // it is not there if the engine never was ready
	if p.asked.Load() {
		p.logger.Info("engine ended", "pid", p.pid())
		return
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	p.err = p.withLastWords(fmt.Errorf("engine process %d ended by itself: %w", p.pid(), err))
	p.logger.Error("engine ended by itself", "pid", p.pid(), "error", p.err)
}

func (p *process) pid() int { return p.os.Pid }

// ended reports whether the process has ended. Then p.err may be read.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// orEnded returns the end of the process, if it has ended, as the better explanation of err.
func (p *process) orEnded(err error) error {
	if p.ended() && p.err != nil {
		return p.err
	}
	return err
}

// withLastWords adds to err what the engine has said last.
func (p *process) withLastWords(err error) error {
	var lines []string
	for _, log := range p.logs {
		lines = append(lines, log.lines()...)
	}
	if len(lines) == 0 {
		return err
	}
	return fmt.Errorf("%w; the engine's last words:\n\t%s", err, strings.Join(lines, "\n\t"))
}

// listening waits until the process reports the two ports that it listens on. It is called once.
func (p *process) listening(ctx context.Context) (report, error) {
	r, err := readReport(ctx, p.report)
	close(p.read)
	switch {
	case errors.Is(err, errNoReport):
		select {
		case <-p.done:
			return r, p.err
		case <-ctx.Done():
			return r, p.withLastWords(context.Cause(ctx))
		}
	case ctx.Err() != nil:
		return r, p.withLastWords(err)
	default:
		return r, err
	}
}

// kill ends the process at once and waits for its end. A process that has ended
// is no error.
func (p *process) kill() error {
	p.asked.Store(true)
	if err := p.os.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// stop asks the process to end in good order, and waits. If ctx ends first, the process is killed.
func (p *process) stop(ctx context.Context) error {
	p.asked.Store(true)
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	_, _ = p.control.WriteString(stopCommand) // fails only if the process has ended
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		if err := p.kill(); err != nil {
			return fmt.Errorf("engine did not stop in time, and cannot be killed: %w", err)
		}
		return fmt.Errorf("engine did not stop in time and was killed: %w", context.Cause(ctx))
	}
}
