package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/internal/private"
)

// serveConfig is the engine's configuration: the container variables of the
// official image, over which the flags and keys of factload win.
func serveConfig(a *cli.App, newPassword bool) (embedded.Config, error) {
	s := a.Config.Serve
	password := s.Password
	file := s.PasswordFile
	if password == "" && file == "" {
		password, file = os.Getenv("CLICKHOUSE_PASSWORD"), os.Getenv("CLICKHOUSE_PASSWORD_FILE")
	}
	if file != "" {
		if password != "" {
			return embedded.Config{}, errors.New("both a password and a password file are given: use one")
		}
		var err error
		if password, err = readSecret(file); err != nil {
			return embedded.Config{}, fmt.Errorf("password file: %w", err)
		}
		if password == "" {
			return embedded.Config{}, fmt.Errorf("password file %s is empty", file)
		}
	}
	c := a.EngineConfig(a.Config.Engine.Data)
	var err error
	if password == "" {
		if password, err = keptPassword(c.DataDir, "password", newPassword); err != nil {
			return embedded.Config{}, err
		}
	}
	c.Native, c.HTTP, c.Password = s.Native, s.HTTP, password
	if s.Reader != "" {
		password, err := keptPassword(c.DataDir, "reader-password", newPassword)
		if err != nil {
			return embedded.Config{}, err
		}
		c.Users = []embedded.User{embedded.Reader(s.Reader, password)}
	}
	c.User = orEnv(s.User, embedded.DefaultUser, "CLICKHOUSE_USER")
	c.Database = orEnv(s.Database, embedded.DefaultDatabase, "CLICKHOUSE_DB")
	c.Pages = pages(c)
	return c, nil
}

// keptPassword returns the random password that the data directory keeps, so
// that a DSN outlives a restart. It makes one when there is none, or when a new
// one is asked for.
func keptPassword(dir, name string, renew bool) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	if err := private.CheckDir(dir); err != nil {
		return "", fmt.Errorf("engine data directory: %w", err)
	}
	path := filepath.Join(dir, name)
	text, err := private.Read(path)
	if kept := strings.TrimSpace(string(text)); err == nil && kept != "" && !renew {
		return kept, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("password: %w", err)
	}
	password := rand.Text() + rand.Text()
	return password, private.Write(path, []byte(password+"\n"))
}

// orEnv returns value, or the environment variable if value is the default.
func orEnv(value, def, name string) string {
	if env := os.Getenv(name); env != "" && value == def {
		return env
	}
	return value
}

// readSecret reads a file that holds one secret, without its line end.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
