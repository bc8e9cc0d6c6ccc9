package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// engineFamilies are the engines of the MergeTree family by what stands before
// the word MergeTree. Each may have Replicated or Shared before it.
var engineFamilies = []string{"", "Replacing", "Summing", "Aggregating", "Collapsing", "VersionedCollapsing", "Coalescing", "Graphite"}

// engine is a table engine taken apart.
type engine struct {
	prefix string   // "", "Replicated" or "Shared"
	family string   // one of engineFamilies
	args   []string // canonical, without those that say where the replicas meet
}

// parseEngine takes apart an engine of the MergeTree family.
func parseEngine(s string) (engine, error) {
	if err := checkExpr(s, false); err != nil {
		return engine{}, fmt.Errorf("%q %w", shorten(s), err)
	}
	tokens, err := tokenize(s)
	if err != nil {
		return engine{}, err
	}
	if tokens[0].kind != wordToken {
		return engine{}, fmt.Errorf("%q does not start with the name of an engine", shorten(s))
	}
	e, ok := engineName(tokens[0].text)
	if !ok {
		return engine{}, fmt.Errorf("%q is not supported: use MergeTree or one of its family, such as ReplacingMergeTree(version) or ReplicatedMergeTree", tokens[0].text)
	}
	rest := tokens[1:]
	if len(rest) == 0 {
		return e, nil
	}
	if !rest[0].is("(") || closing(rest) != len(rest)-1 {
		return engine{}, errors.New("is not an engine name with arguments in parentheses; the other clauses have options of their own")
	}
	for _, arg := range splitTop(rest[1 : len(rest)-1]) {
		e.args = append(e.args, canonicalTokens(arg))
	}
	if e.prefix != "" && len(e.args) >= 2 && strings.HasPrefix(e.args[0], "'") && strings.HasPrefix(e.args[1], "'") {
		e.args = e.args[2:]
	}
	return e, nil
}

func engineName(name string) (engine, bool) {
	var e engine
	rest, ok := strings.CutSuffix(name, "MergeTree")
	if !ok {
		return engine{}, false
	}
	for _, p := range []string{"Replicated", "Shared"} {
		if r, ok := strings.CutPrefix(rest, p); ok {
			e.prefix, rest = p, r
			break
		}
	}
	e.family = rest
	return e, slices.Contains(engineFamilies, rest)
}

// replicated reports whether blocks are deduplicated through Keeper.
func (e engine) replicated() bool { return e.prefix != "" }

// sameEngine reports whether a table of engine have is what want asks for.
// Where replicas meet is not compared, since the server fills it in. A server
// that keeps its data in shared storage makes the Shared form of whatever it is
// asked for.
func sameEngine(want, have engine) bool {
	if want.family != have.family || !slices.Equal(want.args, have.args) {
		return false
	}
	return want.prefix == have.prefix || have.prefix == "Shared"
}

// String returns the engine in canonical form.
func (e engine) String() string {
	name := e.prefix + e.family + "MergeTree"
	if len(e.args) == 0 {
		return name
	}
	return name + "(" + strings.Join(e.args, ", ") + ")"
}
