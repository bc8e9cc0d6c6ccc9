//go:build amd64 || arm64

package embedded

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// self is this program, even if its file has been replaced or removed since it was started.
func self() (string, error) { return "/proc/self/exe", nil }

// childAttr puts the child in a process group of its own, so that a terminal's Ctrl-C does not reach it. Tied to its
// parent, it is killed by the kernel when the thread that starts it ends.
func childAttr(tied bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if tied {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return attr
}

// fdDir lists the open files of the process itself.
const fdDir = "/proc/self/fd/"

// fdPath names an open file of the process itself, for those who can only open files by name.
func fdPath(fd int) string { return fdDir + strconv.Itoa(fd) }

// nameProcess names the main thread, and so the process, which would be called exe otherwise. At most 15 bytes count.
func nameProcess(name string) {
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(cString(name))), 0, 0, 0) // a matter of looks
}
