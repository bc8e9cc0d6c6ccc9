//go:build unix

package chconn

import (
	"errors"
	"syscall"
)

// alive reports whether an idle connection is still open at the other side.
// The server never speaks first, so anything to read means that it is not.
func (c *NativeConn) alive() bool {
	conn, ok := c.raw.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return errors.Is(err, errors.ErrUnsupported)
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		open = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
		return true
	})
	return err == nil && open
}
