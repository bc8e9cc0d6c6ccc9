//go:build amd64 || arm64

package embedded

import (
	"time"

	"golang.org/x/sys/unix"
)

// How long a client may take to begin, and how often that is looked at.
const (
	strangerTimeout  = 10 * time.Second
	strangerInterval = 2 * time.Second
)

// dropStrangers ends the connections of clients that have not begun within strangerTimeout: those that have sent
// nothing, and those of the native protocol that were not let in. The engine itself waits for them for minutes, and the
// number of its connections is bounded, so that some thousand of them would lock everybody out. It needs no owner: it
// lives as long as the process.
func dropStrangers(native, http int) {
	type stranger struct {
		fd   int
		peer int
	}
	seen := map[stranger]time.Time{}
	for now := range time.Tick(strangerInterval) {
		still := map[stranger]time.Time{}
		for _, fd := range openFiles() {
			port, peer := portsOf(fd)
			if port == 0 || port != native && port != http {
				continue
			}
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil || info.Bytes_received > 0 && (port != native || info.Data_segs_out > 0) {
				continue
			}
			id := stranger{fd, peer}
			since, known := seen[id]
			if !known {
				since = now
			}
			still[id] = since
			if now.Sub(since) >= strangerTimeout {
				_ = unix.Shutdown(fd, unix.SHUT_RDWR) // the engine closes it
			}
		}
		seen = still
	}
}

// portsOf returns the ports of a connection, its own and its peer's, and 0 for what is none.
func portsOf(fd int) (port, peer int) {
	to, err := unix.Getpeername(fd)
	if err != nil {
		return 0, 0
	}
	from, err := unix.Getsockname(fd)
	if err != nil {
		return 0, 0
	}
	return portOf(from), portOf(to)
}

func portOf(address unix.Sockaddr) int {
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		return a.Port
	case *unix.SockaddrInet6:
		return a.Port
	}
	return 0
}
