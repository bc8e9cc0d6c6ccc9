package infer

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// vague are the names that say nothing without those of what they are in.
var vague = []string{
	"id", "name", "type", "value", "code", "message", "content", "object", "status", "text", "key", "data", "kind", "index", "count", "total",
	"version", "created", "error", "time", "url", "title", "description", "role", "start", "end", "input", "output", "label", "reason", "param",
}

// nameFields names the fields: by their keys, if they are keys of the row that a table can have as columns; else by as
// many of the last steps of their paths as it takes to tell them apart, with a path to say where they come from.
func nameFields(choices []choice) {
	taken := make(map[string]bool)
	for i := range choices {
		if c := &choices[i]; len(c.path) == 1 && checkName(c.path[0].Key) == nil {
			c.field.Name = c.path[0].Key
			taken[c.field.Name] = true
		}
	}
	rename := func(c *choice) {
		delete(taken, c.field.Name)
		c.field.Name = freeName(c.path, taken)
		c.field.From = c.path.String()
		taken[c.field.Name] = true
	}
	var deep []*choice
	for i := range choices {
		if c := &choices[i]; c.field.Name == "" {
			deep = append(deep, c)
		}
	}
	slices.SortStableFunc(deep, func(a, b *choice) int { return cmp.Compare(len(a.path), len(b.path)) })
	for _, c := range deep {
		rename(c)
	}
	for i := range choices {
		if c := &choices[i]; collides(choices, c) {
			rename(c)
		}
	}
}

// collides reports whether the column of a field and another one cannot be in one table: ClickHouse takes lists with the
// same name before a dot for one structure, and a name before the dot for all of it.
func collides(choices []choice, c *choice) bool {
	parent, _, dotted := strings.Cut(c.field.Name, ".")
	if !dotted {
		return false
	}
	return slices.ContainsFunc(choices, func(other choice) bool {
		name := other.field.Name
		return name == parent || name != c.field.Name && other.field.Array && c.field.Array && strings.HasPrefix(name, parent+".")
	})
}

// freeName makes a name of the last steps of a path.
func freeName(path fact.Path, taken map[string]bool) string {
	from := len(path) - 1
	if slices.Contains(vague, strings.ToLower(path[from].Key)) {
		from = max(0, from-1)
	}
	name := ""
	for ; from >= 0; from-- {
		var parts []string
		for _, step := range path[from:] {
			if part := plainName(step.Key); part != "" {
				parts = append(parts, part)
			}
		}
		if name = strings.Join(parts, "_"); name != "" && !taken[name] && checkName(name) == nil {
			return name
		}
	}
	if name == "" {
		name = "unnamed"
	}
	for n := 1; ; n++ {
		free := name
		if n > 1 {
			free += "_" + strconv.Itoa(n)
		}
		if !taken[free] && checkName(free) == nil {
			return free
		}
	}
}

// plainName leaves of a key what needs no quotes in a query.
func plainName(key string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, key)
	return strings.Trim(name, "_")
}

// checkName says why a table cannot have a column of this name.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("it is empty")
	case strings.ContainsRune(name, 0):
		return errors.New("it holds a NUL character")
	}
	_, err := ddl.NewTable(fact.Schema{Name: "s", Fields: []fact.Field{{Name: name}}}, ddl.Options{})
	return err
}
