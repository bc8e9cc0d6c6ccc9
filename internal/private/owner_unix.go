//go:build unix

package private

import (
	"os"
	"syscall"
)

// noFollow makes opening a link an error.
const noFollow = syscall.O_NOFOLLOW

// owner returns the number of the user whose file it is.
func owner(info os.FileInfo) int { return int(stat(info).Uid) }

// links returns how many names the file has.
func links(info os.FileInfo) uint64 {
	return uint64(stat(info).Nlink) //nolint:unconvert // of another size on other systems
}

// stat returns what the system says of a file, or zeros when it says nothing: a
// file of root's with no name, which is refused.
func stat(info os.FileInfo) *syscall.Stat_t {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s
	}
	return new(syscall.Stat_t)
}
