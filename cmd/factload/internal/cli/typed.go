package cli

import (
	"strings"

	"github.com/factload/factload/ddl"
)

// ApplyCommand returns what to type to change the tables of schemas: with the files that this command has its schemas
// from, and on the same server, unless that was named by --dsn, which may have a password.
func (a *App) ApplyCommand(hazards []ddl.Hazard, options, names []string) string {
	command := []string{"factload", "apply"}
	for _, h := range hazards {
		command = append(command, "--allow", h.String())
	}
	command = append(command, options...)
	for _, s := range a.Config.Schemas {
		command = append(command, "--schemas", shellWord(s))
	}
	for _, flag := range [][3]string{{"engine.data", "--data", a.Config.Engine.Data}, {"dsn_file", "--dsn-file", a.Config.DSNFile}} {
		if a.Config.From(flag[0]) == flag[1] {
			command = append(command, flag[1], shellWord(flag[2]))
		}
	}
	for _, name := range names {
		command = append(command, shellWord(name))
	}
	return strings.Join(command, " ")
}

// shellWord quotes a word for the shell where it has to be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("_-./:@%+,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
