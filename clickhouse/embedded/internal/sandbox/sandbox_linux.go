//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hostFiles are what any program on Linux reads: the machine's own description, names, times, and the C library's parts
// that are loaded when they are needed.
var hostFiles = []string{
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache",
	"/proc", "/sys", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
	"/etc/localtime", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/ssl", "/usr/share/zoneinfo",
}

// Enter confines the calling thread, the threads that it starts from now on, and, for what concerns system calls, the
// whole process. Nothing undoes it. The library has been loaded by then, and is read again only for stack traces.
//
// Landlock limits files to those of s; seccomp takes away the system calls that run programs, look into other
// processes and, unless s.Remote, connect to anything. The two do not depend on each other: where the kernel has only
// one, that one is used, and the error says what is missing.
func (s Sandbox) Enter(library string) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	files, calls := s.confineFiles(library), s.confineCalls()
	if files != nil {
		files = fmt.Errorf("landlock: %w", files)
	}
	if calls != nil {
		calls = fmt.Errorf("seccomp: %w", calls)
	}
	return errors.Join(files, calls)
}

// What Landlock knows of files. The first version that lets a file be moved to another directory is 2.
const (
	landlockMinimum = 2
	landlockRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockAll2    = unix.LANDLOCK_ACCESS_FS_REFER<<1 - 1
)

// confineFiles lets the thread and its children use the files of s and of the host that it needs, and no others.
func (s Sandbox) confineFiles(library string) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return errno
	}
	if version < landlockMinimum {
		return fmt.Errorf("the kernel has version %d, and %d is needed", version, landlockMinimum)
	}
	all := uint64(landlockAll2)
	if version >= 3 {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	rules := unix.LandlockRulesetAttr{Handled_access_fs: all}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules.Handled_access_fs), 0)
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(fd)) //nolint:errcheck // nothing was written
	for _, path := range s.Write {
		if err := allowPath(int(fd), path, all); err != nil {
			return err
		}
	}
	for _, path := range append(s.Read, library) {
		if err := allowPath(int(fd), path, landlockRead); err != nil {
			return err
		}
	}
	for _, path := range hostFiles {
		if err := allowPath(int(fd), path, landlockRead|unix.LANDLOCK_ACCESS_FS_WRITE_FILE); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// allowPath adds a rule for a file, or for a directory with all that is in it.
func allowPath(rules int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "allow", Path: path, Err: err}
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return &os.PathError{Op: "allow", Path: path, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)} //nolint:gosec // file descriptors are small
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return &os.PathError{Op: "allow", Path: path, Err: errno}
	}
	return nil
}

// Where the number of a system call and the architecture are in what a seccomp filter sees (struct seccomp_data).
const (
	seccompCall = 0
	seccompArch = 4
)

// x32Bit marks calls of the x32 ABI, which are the same calls by other numbers.
const x32Bit = 0x40000000

// confineCalls takes system calls away from the whole process. They fail with EPERM.
func (s Sandbox) confineCalls() error {
	denied := []uint32{
		unix.SYS_EXECVE, unix.SYS_EXECVEAT,
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD,
		unix.SYS_IO_URING_SETUP, // a ring makes calls that no filter sees
	}
	if !s.Remote {
		denied = append(denied, unix.SYS_CONNECT)
	}
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	answer := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	refuse := uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.EPERM)
	filter := []unix.SockFilter{
		load(seccompArch),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		answer(refuse),
		load(seccompCall),
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: x32Bit, Jf: 1},
		answer(refuse),
	}
	for _, call := range denied {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1}, answer(refuse))
	}
	filter = append(filter, answer(unix.SECCOMP_RET_ALLOW))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // a few dozen
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	if thread != 0 {
		return fmt.Errorf("thread %d has another filter", thread)
	}
	return nil
}
