package facttest

import (
	"slices"
	"testing"

	"github.com/factload/factload/fact"
)

func TestReferenceMaterializerPasses(t *testing.T) {
	t.Parallel()
	TestMaterializer(t, func(*testing.T) MaterializerTarget { return referenceTarget() })
}

// onlyMaterializer hides everything optional.
type onlyMaterializer struct{ fact.Materializer }

func TestMaterializerWithoutOptionalMethodsPasses(t *testing.T) {
	t.Parallel()
	TestMaterializer(t, func(*testing.T) MaterializerTarget {
		target := referenceTarget()
		inner := target.New
		target.New = func() fact.Materializer { return onlyMaterializer{inner()} }
		return target
	})
}

func TestMaterializerFindsFaults(t *testing.T) {
	foundBy := map[string][]string{
		ensureRefusesNone:    {"EnsureSchema of no schemas does nothing"},
		ensureEmpties:        {"EnsureSchema may be repeated and keeps the rows"},
		ensureRaces:          {"EnsureSchema by many callers at once"},
		ensureAcceptsAny:     {"EnsureSchema refuses an unsound schema"},
		ensureIgnoresContext: {"EnsureSchema with an ended ctx fails"},
		storesLater:          {"rows are there when Materialize returns"},
		readsFloats:          {"values of every type come back"},
		ignoresDefaults:      {"missing keys become defaults, NULL or zero"},
		forgetsID:            {"the field that carries the ID has it"},
		mixesTables:          {"facts of several schemas go to their own tables"},
		dropsEqualRows:       {"equal facts are all stored"},
		cutsCalls:            {"many facts in one call are all stored"},
		refusesNoFacts:       {"no facts: nil"},
		dropsUnknownSchemas:  {"a fact of an unknown schema is refused"},
		hidesIndex:           {"a fact of an unknown schema is refused"},
		dropsUnknownKeys:     {"values that do not fit are refused"},
		wrapsIntegers:        {"values that do not fit are refused"},
		storesGoodFacts:      {"one bad fact refuses its call as a whole"},
		keepsRefused:         {"a refused call leaves nothing behind"},
		fillsMaps:            {"the facts' maps are not changed"},
		keepsMaps:            {"the facts' maps are not kept"},
		materializesAnyway:   {"Materialize with an ended ctx stores nothing"},
		failsNeighbours:      {"concurrent callers get their own outcomes"},
		prepareStores:        {"Prepare stores nothing and Discard gives up"},
		discardStores:        {"Prepare stores nothing and Discard gives up"},
		prepareIsLax:         {"Prepare refuses what Materialize refuses"},
		prepareNil:           {"Prepare of no facts can be materialized and discarded"},
		prepareEncodesLate:   {"Prepare neither changes nor keeps the facts' maps"},
		preparedAnyway:       {"prepared facts with an ended ctx are not stored"},
		preparedShare:        {"prepared facts are stored by Materialize", "many prepared at once are apart"},
		closesOnce:           {"Close keeps what was stored and may be repeated"},
		worksOn:              {"calls after Close fail and store nothing"},
		acknowledgesClosed:   {"Close during calls loses no row that was acknowledged"},
	}
	var subjects []brokenSubject
	for fault, rules := range foundBy {
		subjects = append(subjects, brokenSubject{
			fault:   fault,
			setup:   func(s *subject) { s.target = referenceTarget(fault) },
			foundBy: rules,
		})
	}
	requireSubjectsFound(t, slices.Concat(materializerRules(), preparerRules(), closeRules()), subjects)
}
