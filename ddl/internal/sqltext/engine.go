package sqltext

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// engineFamilies are the engines of the MergeTree family by what stands before
// the word MergeTree. Each may have Replicated or Shared before it.
var engineFamilies = []string{"", "Replacing", "Summing", "Aggregating", "Collapsing", "VersionedCollapsing", "Coalescing", "Graphite"}

// Engine is a table engine taken apart.
type Engine struct {
	Prefix string   // "", "Replicated" or "Shared"
	Family string   // one of engineFamilies
	Args   []string // canonical, without those that say where the replicas meet
}

// ParseEngine takes apart an engine of the MergeTree family.
func ParseEngine(s string) (Engine, error) {
	if err := CheckExpr(s, false); err != nil {
		return Engine{}, fmt.Errorf("%q %w", Shorten(s), err)
	}
	tokens, err := Tokenize(s)
	if err != nil {
		return Engine{}, err
	}
	if tokens[0].Kind != WordToken {
		return Engine{}, fmt.Errorf("%q does not start with the name of an engine", Shorten(s))
	}
	e, ok := EngineName(tokens[0].Text)
	if !ok {
		return Engine{}, fmt.Errorf("%q is not supported: use MergeTree or one of its family, such as ReplacingMergeTree(version) or ReplicatedMergeTree", tokens[0].Text)
	}
	rest := tokens[1:]
	if len(rest) == 0 {
		return e, nil
	}
	if !rest[0].Is("(") || Closing(rest) != len(rest)-1 {
		return Engine{}, errors.New("is not an engine name with arguments in parentheses; the other clauses have options of their own")
	}
	for _, arg := range SplitTop(rest[1 : len(rest)-1]) {
		e.Args = append(e.Args, CanonicalTokens(arg))
	}
	if e.Prefix != "" && len(e.Args) >= 2 && strings.HasPrefix(e.Args[0], "'") && strings.HasPrefix(e.Args[1], "'") {
		e.Args = e.Args[2:]
	}
	return e, nil
}

// EngineName takes apart the name of an engine, and reports whether it is one of the
// MergeTree family.
func EngineName(name string) (Engine, bool) {
	var e Engine
	rest, ok := strings.CutSuffix(name, "MergeTree")
	if !ok {
		return Engine{}, false
	}
	for _, p := range []string{"Replicated", "Shared"} {
		if r, ok := strings.CutPrefix(rest, p); ok {
			e.Prefix, rest = p, r
			break
		}
	}
	e.Family = rest
	return e, slices.Contains(engineFamilies, rest)
}

// Replicated reports whether blocks are deduplicated through Keeper.
func (e Engine) Replicated() bool { return e.Prefix != "" }

// String returns the engine in canonical form.
func (e Engine) String() string {
	name := e.Prefix + e.Family + "MergeTree"
	if len(e.Args) == 0 {
		return name
	}
	return name + "(" + strings.Join(e.Args, ", ") + ")"
}

// SameEngine reports whether a table of engine have is what want asks for.
// Where replicas meet is not compared, since the server fills it in. A server
// that keeps its data in shared storage makes the Shared form of whatever it is
// asked for.
func SameEngine(want, have Engine) bool {
	if want.Family != have.Family || !slices.Equal(want.Args, have.Args) {
		return false
	}
	return want.Prefix == have.Prefix || have.Prefix == "Shared"
}
