//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import "github.com/factload/factload/clickhouse/embedded/internal/sandbox"

// newSandbox returns what an engine on these files needs. The DSN file, which holds the password, is not in it.
func newSandbox(files layout, c Config) sandbox.Sandbox {
	s := sandbox.Sandbox{
		Write:  []string{files.data(), files.log()},
		Read:   []string{files.config(), files.users(), files.start()},
		Remote: c.Remote,
	}
	if c.Backups != "" {
		s.Write = append(s.Write, c.Backups)
	}
	return s
}
