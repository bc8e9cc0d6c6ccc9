//go:build amd64 || arm64

package embedded

import (
	"os"
	"strconv"
	"syscall"
)

// self is this program.
func self() (string, error) { return os.Executable() }

// childAttr puts the child in a process group of its own, so that a terminal's Ctrl-C does not reach it. The child
// notices by its pipe alone that its parent is gone.
func childAttr(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// fdDir lists the open files of the process itself.
const fdDir = "/dev/fd/"

// fdPath names an open file of the process itself, for those who can only open files by name.
func fdPath(fd int) string { return fdDir + strconv.Itoa(fd) }

// nameProcess does nothing here: the name is that of the program's file.
func nameProcess(string) {}
