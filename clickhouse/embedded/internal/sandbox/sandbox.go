//go:build (linux || darwin) && (amd64 || arm64)

// Package sandbox lets the kernel confine a process to the files and system calls that it needs.
package sandbox

// Sandbox is what the kernel shall allow an engine process, whatever its user makes the engine try.
type Sandbox struct {
	Write  []string `json:"write"`  // directories that are the engine's own
	Read   []string `json:"read"`   // files and directories that it may read
	Remote bool     `json:"remote"` // whether it may connect to other servers
}
