//go:build (linux || darwin) && (amd64 || arm64)

package embedded

// sandbox is what the kernel shall allow an engine process, whatever its user makes the engine try.
type sandbox struct {
	Write  []string `json:"write"`  // directories that are the engine's own
	Read   []string `json:"read"`   // files and directories that it may read
	Remote bool     `json:"remote"` // whether it may connect to other servers
}

// newSandbox returns what an engine on these files needs. The DSN file, which holds the password, is not in it.
func newSandbox(files layout, c Config) sandbox {
	s := sandbox{
		Write:  []string{files.data(), files.log()},
		Read:   []string{files.config(), files.users(), files.start()},
		Remote: c.Remote,
	}
	if c.Backups != "" {
		s.Write = append(s.Write, c.Backups)
	}
	return s
}
