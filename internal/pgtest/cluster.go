//go:build linux

// Package pgtest starts a real PostgreSQL for tests, from the programs that are
// installed.
package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// errMissing says how to get what New did not find.
var errMissing = errors.New("no PostgreSQL programs are found (on Debian: apt-get install postgresql): its tests are skipped")

// Cluster is a PostgreSQL server in a directory of its own, which listens on a
// socket there.
type Cluster struct {
	dir, bin   string
	credential *syscall.Credential // of its user, if the tests are root's
	server     *exec.Cmd
	ended      <-chan error // is given the server's end
}

// New makes a cluster, without starting it.
func New() (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg") // the path of a socket has to be short
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if err := c.lowerPrivileges(); err != nil {
			return nil, errors.Join(err, c.Remove())
		}
	}
	initdb := c.command("initdb", "-D", c.Data(), "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), c.Remove())
	}
	return c, nil
}

// programs returns the directory of the newest PostgreSQL programs.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errMissing
	}
	return filepath.Dir(slices.Max(found)), nil
}

// lowerPrivileges makes the server run as the user postgres, or as nobody.
func (c *Cluster) lowerPrivileges() error {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	c.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(c.dir, int(uid), int(gid))
}

// Data returns the directory of the cluster's files.
func (c *Cluster) Data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...) //nolint:gosec // programs of the machine
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.credential, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// DSN is how to connect to the cluster.
func (c *Cluster) DSN() string {
	return fmt.Sprintf("host=%s user=test dbname=postgres", c.dir)
}

// Start starts the server and waits until it answers. Where one was killed, it
// begins once the last of that one's sessions has noticed.
func (c *Cluster) Start() (err error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if err = c.startOnce(deadline); err == nil {
			return nil
		}
	}
	return err
}

func (c *Cluster) startOnce(deadline time.Time) error {
	var out bytes.Buffer
	server := c.command("postgres", "-D", c.Data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=200",
		"-c", "shared_buffers=32MB", "-c", "log_min_messages=fatal")
	server.Stdout, server.Stderr = &out, &out
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	c.server, c.ended = server, ended
	for time.Now().Before(deadline) {
		select {
		case err := <-ended:
			return fmt.Errorf("postgres: %w: %s", err, out.String())
		case <-time.After(50 * time.Millisecond):
		}
		if c.command("pg_isready", "-q", "-h", c.dir, "-U", "test", "-d", "postgres").Run() == nil {
			return nil
		}
	}
	return errors.Join(errors.New("PostgreSQL does not answer"), c.Kill())
}

// Kill ends the server with SIGKILL, as a crash of it does. Its sessions end once
// they notice.
func (c *Cluster) Kill() error { return c.signal(syscall.SIGKILL) }

// Stop ends the server and its sessions at once.
func (c *Cluster) Stop() error { return c.signal(syscall.SIGQUIT) }

func (c *Cluster) signal(s syscall.Signal) error {
	err := c.server.Process.Signal(s)
	<-c.ended //nolint:errcheck // it was told to end
	return err
}

// Remove deletes the cluster's files.
func (c *Cluster) Remove() error { return os.RemoveAll(c.dir) }

// shared is the cluster of the test binary.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// Shared returns the DSN of a cluster that all tests of the binary share, or skips
// the test where there is no PostgreSQL. TestMain calls Cleanup.
func Shared(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.cluster, shared.err = New(); shared.err == nil {
			shared.err = shared.cluster.Start()
		}
	})
	Require(t, shared.err)
	return shared.cluster.DSN()
}

// Require skips the test if the error is that there is no PostgreSQL, and fails it
// on others.
func Require(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
}

// Cleanup ends the shared cluster, once all tests have ended.
func Cleanup() error {
	if shared.cluster == nil {
		return nil
	}
	var err error
	if shared.err == nil {
		err = shared.cluster.Stop()
	}
	return errors.Join(err, shared.cluster.Remove())
}
