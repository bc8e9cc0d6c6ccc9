package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults of [Config].
const (
	DefaultUser         = "factload"
	DefaultDatabase     = "factload"
	DefaultStartTimeout = time.Minute
)

const loopbackAny = "127.0.0.1:0"

// Config says how to run an engine. DataDir is required; everything else has a default.
type Config struct {
	// DataDir is the directory that holds the engine's data. It is created when missing (mode 0700), and belongs to
	// one engine at a time. A relative path is made absolute once, in Start.
	DataDir string

	// Library is the path of libchdb. Empty: see FindLibrary for where it is looked for.
	Library string

	// Native and HTTP are the addresses, HOST:PORT, of the two protocols. Empty means 127.0.0.1:0. Port 0 lets the
	// operating system choose. The host is an IP address or localhost, and the same for both.
	Native, HTTP string

	// User is the name of the user who may do everything: letters, digits and underscores, not starting with a digit, and not
	// "default". Empty means DefaultUser.
	User string

	// Password is the user's password. Empty means a new random one for each Start.
	Password string

	// Pages are answered over HTTP, beside what the engine answers.
	Pages []Page

	// Users are further users, with rights of their own. There are none by default.
	Users []User

	// Database is created when missing, and is the one that the DSN point to. Empty means DefaultDatabase.
	Database string

	// Remote lets the engine connect to other ClickHouse servers, for the function remote and Distributed tables, and
	// so to any address. Without it an engine on Linux connects to nothing.
	Remote bool

	// Clusters are the clusters that the engine knows, by name: the native addresses, HOST:PORT, of the engines that
	// are their shards, one a shard. They are reached with this engine's user and password, and only with Remote.
	Clusters map[string][]string

	// Backups is a directory that BACKUP writes to and RESTORE reads from, as in BACKUP DATABASE d TO File('name').
	// It is created when missing (mode 0700). Empty means that there is none: File is refused.
	Backups string

	// Logger gets a few lines on start, stop and unexpected ends. Nil means no logs. The engine's own log is a file in
	// DataDir.
	Logger *slog.Logger

	// StartTimeout bounds Start and Restart, in addition to their context. Zero means DefaultStartTimeout. An engine
	// with many parts takes longer, as it loads them first.
	StartTimeout time.Duration
}

// User is a further user of an engine.
type User struct {
	// Name and Password are what it logs in with. The name is like [Config.User], and the password not empty.
	Name, Password string

	// Grants are what it may do, each as in a GRANT statement between GRANT and TO: "SELECT ON factload.*". They are
	// not checked against what the engine's first user may do: see doc.go for what leads out of the engine.
	Grants []string

	// Fixed are settings that the user has and cannot change.
	Fixed map[string]string
}

func (u User) check(taken bool) error {
	switch {
	case !userName.MatchString(u.Name), taken:
		return fmt.Errorf("engine config: user %q: use letters, digits and underscores, not starting with a digit, and another name than those of the other users", u.Name)
	case u.Password == "":
		return fmt.Errorf("engine config: user %q has no password", u.Name)
	}
	for setting := range u.Fixed {
		if !userName.MatchString(setting) {
			return fmt.Errorf("engine config: setting %q of user %q: the name of a setting has letters, digits and underscores", setting, u.Name)
		}
	}
	return nil
}

// Reader returns a user who may read everything and change nothing.
func Reader(name, password string) User {
	return User{Name: name, Password: password, Grants: []string{"SHOW, SELECT, dictGet ON *.*"}}
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// resolve returns c with its defaults filled in, or says what is wrong with it.
func (c Config) resolve() (Config, error) {
	if c.DataDir == "" {
		return c, errors.New("engine config: data directory is empty: name a directory that the engine may own")
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return c, fmt.Errorf("engine config: data directory %s: %w", c.DataDir, err)
	}
	c.DataDir = dir
	if c.Backups != "" {
		if c.Backups, err = filepath.Abs(c.Backups); err != nil {
			return c, fmt.Errorf("engine config: backup directory: %w", err)
		}
	}
	c.User = orDefault(c.User, DefaultUser)
	c.Database = orDefault(c.Database, DefaultDatabase)
	c.Native = orDefault(c.Native, loopbackAny)
	c.HTTP = orDefault(c.HTTP, loopbackAny)
	if c.Password == "" {
		c.Password = rand.Text() + rand.Text()
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = DefaultStartTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// check refuses values that the engine could not run with.
func (c Config) check() error {
	switch {
	case !userName.MatchString(c.User):
		return fmt.Errorf("engine config: user %q: use letters, digits and underscores, at most 64, not starting with a digit", c.User)
	case c.User == "default":
		return errors.New(`engine config: user "default" is the engine's own: choose another name`)
	case strings.EqualFold(c.Database, "default") || strings.EqualFold(c.Database, "system") || strings.EqualFold(c.Database, "information_schema"):
		return fmt.Errorf("engine config: database %q is the engine's own: choose another name", c.Database)
	case strings.ContainsRune(c.DataDir+c.Backups, 0):
		return errors.New("engine config: data or backup directory contains a zero byte")
	case c.StartTimeout < 0:
		return fmt.Errorf("engine config: start timeout %s is negative", c.StartTimeout)
	}
	for i, u := range c.Users {
		taken := u.Name == "default" || u.Name == c.User || slices.ContainsFunc(c.Users[:i], func(other User) bool { return other.Name == u.Name })
		if err := u.check(taken); err != nil {
			return err
		}
	}
	for name, shards := range c.Clusters {
		if !userName.MatchString(name) {
			return fmt.Errorf("engine config: cluster %q: use letters, digits and underscores, not starting with a digit", name)
		}
		for _, shard := range shards {
			if _, err := parseAddr("cluster "+name, shard); err != nil {
				return err
			}
		}
	}
	for _, p := range c.Pages {
		if err := p.check(); err != nil {
			return err
		}
	}
	native, err := parseAddr("native", c.Native)
	if err != nil {
		return err
	}
	http, err := parseAddr("http", c.HTTP)
	if err != nil {
		return err
	}
	if native.host != http.host {
		return fmt.Errorf("engine config: native address %s and http address %s have different hosts: the engine listens on one", c.Native, c.HTTP)
	}
	if native.port == http.port && native.port != 0 {
		return fmt.Errorf("engine config: native and http address are both %s: choose two ports", c.Native)
	}
	return nil
}

// addr is where one protocol listens.
type addr struct {
	host string // an IP address, without brackets
	port uint16 // 0: chosen by the operating system
}

// String returns the address as HOST:PORT.
func (a addr) String() string { return net.JoinHostPort(a.host, strconv.Itoa(int(a.port))) }

// dial returns the address as this machine can reach it: loopback instead of "all addresses".
func (a addr) dial() addr {
	ip := net.ParseIP(a.host)
	switch {
	case ip == nil || !ip.IsUnspecified():
		return a
	case ip.To4() != nil:
		a.host = "127.0.0.1"
	default:
		a.host = "::1"
	}
	return a
}

func parseAddr(protocol, s string) (addr, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return addr{}, fmt.Errorf("engine config: %s address %q: want HOST:PORT, as in 127.0.0.1:9000", protocol, s)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return addr{}, fmt.Errorf("engine config: %s address %q: port %q is not a number from 0 to 65535", protocol, s, port)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if net.ParseIP(host) == nil {
		return addr{}, fmt.Errorf("engine config: %s address %q: host %q is not an IP address or localhost", protocol, s, host)
	}
	return addr{host: host, port: uint16(n)}, nil
}
