package facttest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/factload/factload/fact"
)

// naive is the simplest right store there is, with a switch for each way to
// get it wrong.
type naive struct {
	faults  []string
	mu      sync.Mutex
	streams map[string][]fact.Event
	total   int64
}

// The faults of naive.
const (
	numbersAcrossStreams  = "numbers events across streams"
	keepsStream           = "keeps the stream of the event"
	keepsSequence         = "keeps a sequence that the event has"
	leavesIDEmpty         = "leaves the ID empty"
	replacesID            = "replaces a given ID"
	leavesTimeZero        = "leaves the time zero"
	usesLocalTime         = "uses local time"
	changesSlice          = "assigns in the caller's slice"
	refusesNoEvents       = "refuses no events"
	acceptsEmptyStream    = "accepts an empty stream name"
	acceptsAnything       = "accepts data that is not JSON"
	refusesEmptyData      = "refuses empty data"
	acceptsAnyText        = "accepts text that is not text"
	storesPart            = "stores the events before a bad one"
	ignoresContext        = "ignores an ended ctx"
	numbersWithoutLock    = "takes the sequence before the lock"
	dropsMetadata         = "drops metadata"
	readsNumbersAsFloats  = "reads numbers as floats"
	loadsInReverse        = "loads in reverse"
	cutsLongStreams       = "loads a page only"
	refusesUnknown        = "fails for an unknown stream"
	loadsInclusively      = "loads from the sequence on"
	foldsStreamNames      = "cuts stream names at a blank"
	keepsCallersMemory    = "keeps the caller's memory"
	givesOutMemory        = "gives out its own memory"
	returnsGiven          = "returns the given events"
	returnsMemory         = "returns its own memory"
	returningIsLax        = "checks nothing in AppendReturning"
	neverConflicts        = "does not look at the expected sequence"
	conflictsAreUntyped   = "returns a conflict without a type"
	conflictsSwapped      = "swaps expected and actual"
	checksNothing         = "checks the sequence when there are no events"
	conditionalIsLax      = "checks nothing in AppendAt"
	checksOutsideTheLock  = "checks the sequence outside of the lock"
	expectsTheNewSequence = "expects the sequence of the first new event"
)

func newNaive(faults ...string) *naive {
	return &naive{faults: faults, streams: make(map[string][]fact.Event)}
}

func (n *naive) has(fault string) bool { return slices.Contains(n.faults, fault) }

func (n *naive) Append(ctx context.Context, stream string, events []fact.Event) error {
	_, err := n.store(ctx, stream, events, nil)
	return err
}

func (n *naive) AppendReturning(ctx context.Context, stream string, events []fact.Event) ([]fact.Event, error) {
	if n.has(returningIsLax) {
		return n.commit(stream, events), nil
	}
	stored, err := n.store(ctx, stream, events, nil)
	switch {
	case n.has(returnsGiven):
		return events, err
	case n.has(returnsMemory):
		return stored, err
	}
	return copies(stored), err
}

func (n *naive) AppendAt(ctx context.Context, stream string, last int64, events []fact.Event) error {
	if n.has(conditionalIsLax) {
		n.commit(stream, events)
		return nil
	}
	if n.has(checksNothing) && len(events) == 0 && int64(len(n.streams[stream])) != last {
		return &fact.ConflictError{}
	}
	check := func() error {
		actual := int64(len(n.streams[stream]))
		if n.has(expectsTheNewSequence) {
			actual++
		}
		switch {
		case actual == last || n.has(neverConflicts):
			return nil
		case n.has(conflictsAreUntyped):
			return errors.New("conflict")
		case n.has(conflictsSwapped):
			return &fact.ConflictError{Stream: stream, Expected: actual, Actual: last}
		}
		return &fact.ConflictError{Stream: stream, Expected: last, Actual: actual}
	}
	if n.has(checksOutsideTheLock) {
		n.mu.Lock()
		err := check()
		n.mu.Unlock()
		if err != nil {
			return err
		}
		waitForOthers()
		check = nil
	}
	_, err := n.store(ctx, stream, events, check)
	return err
}

func (n *naive) store(ctx context.Context, stream string, events []fact.Event, check func() error) ([]fact.Event, error) {
	if len(events) == 0 && !n.has(refusesNoEvents) {
		return nil, nil
	}
	if len(events) == 0 || (stream == "" && !n.has(acceptsEmptyStream)) {
		return nil, errors.New("refused")
	}
	if err := ctx.Err(); err != nil && !n.has(ignoresContext) {
		return nil, err
	}
	for i, e := range events {
		bad := len(e.Data) > 0 && decodeNothing(e.Data) != nil && !n.has(acceptsAnything)
		if _, err := fact.AdoptEvents("a"+stream, []fact.Event{{ID: e.ID, Type: e.Type, Metadata: e.Metadata, OccurredAt: e.OccurredAt}}); err != nil {
			bad = bad || !n.has(acceptsAnyText)
		}
		if bad || (len(e.Data) == 0 && n.has(refusesEmptyData)) {
			if n.has(storesPart) {
				n.commit(stream, events[:i])
			}
			return nil, errors.New("bad data")
		}
	}
	if n.has(numbersWithoutLock) {
		n.mu.Lock()
		stale := int64(len(n.streams[stream]))
		n.mu.Unlock()
		if stale == 0 {
			waitForOthers()
		}
		stored := n.commit(stream, events)
		n.mu.Lock()
		defer n.mu.Unlock()
		for i := range stored {
			stored[i].Sequence = stale + int64(i) + 1
			n.streams[stream][len(n.streams[stream])-len(stored)+i] = stored[i]
		}
		return stored, nil
	}
	if check != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		if err := check(); err != nil {
			return nil, err
		}
		return n.commitLocked(stream, events), nil
	}
	return n.commit(stream, events), nil
}

// decodeNothing is an error if the data is not JSON in UTF-8.
func decodeNothing(data []byte) error {
	if !json.Valid(data) || !slices.Equal([]byte(string([]rune(string(data)))), data) {
		return errors.New("not JSON")
	}
	return nil
}

func (n *naive) commit(stream string, events []fact.Event) []fact.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.commitLocked(stream, events)
}

func (n *naive) commitLocked(stream string, events []fact.Event) []fact.Event {
	stored := copies(events)
	if n.has(keepsCallersMemory) || n.has(conditionalIsLax) || n.has(returningIsLax) {
		stored = slices.Clone(events)
	}
	if n.has(changesSlice) {
		stored = events
	}
	for i := range stored {
		n.assign(&stored[i], stream, int64(len(n.streams[stream])+i)+1)
	}
	key := n.key(stream)
	n.streams[key] = append(n.streams[key], stored...)
	return stored
}

func (n *naive) assign(e *fact.Event, stream string, sequence int64) {
	n.total++
	if e.Stream == "" || !n.has(keepsStream) {
		e.Stream = stream
	}
	if e.Sequence == 0 || !n.has(keepsSequence) {
		e.Sequence = sequence
	}
	if n.has(numbersAcrossStreams) {
		e.Sequence = n.total
	}
	if (e.ID == "" && !n.has(leavesIDEmpty)) || n.has(replacesID) {
		e.ID = fact.NewEventID()
	}
	if e.OccurredAt.IsZero() && !n.has(leavesTimeZero) {
		e.OccurredAt = time.Now().UTC()
		if n.has(usesLocalTime) {
			e.OccurredAt = e.OccurredAt.In(time.FixedZone("", 3600))
		}
	}
	if n.has(dropsMetadata) {
		e.Metadata = nil
	}
	var v any
	if n.has(readsNumbersAsFloats) && json.Unmarshal(e.Data, &v) == nil {
		e.Data, _ = json.Marshal(v) // what was decoded can be encoded
	}
}

func (n *naive) key(stream string) string {
	if n.has(foldsStreamNames) {
		for i, c := range stream {
			if c == ' ' {
				return stream[:i]
			}
		}
	}
	return stream
}

func (n *naive) Load(ctx context.Context, stream string) ([]fact.Event, error) {
	return n.LoadFrom(ctx, stream, 0)
}

func (n *naive) LoadFrom(_ context.Context, stream string, from int64) ([]fact.Event, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	events, ok := n.streams[n.key(stream)]
	if !ok && n.has(refusesUnknown) {
		return nil, errors.New("unknown stream")
	}
	if n.has(loadsInclusively) {
		from--
	}
	events = events[min(max(from, 0), int64(len(events))):]
	if n.has(cutsLongStreams) {
		events = events[:min(len(events), 100)]
	}
	if n.has(givesOutMemory) {
		return events, nil
	}
	events = copies(events)
	if n.has(loadsInReverse) {
		slices.Reverse(events)
	}
	return events, nil
}

func copies(events []fact.Event) []fact.Event {
	result := make([]fact.Event, len(events))
	for i := range events {
		result[i] = copyOf(events[i])
	}
	return result
}

func allStoreRules() []rule {
	return slices.Concat(storeRules(), returningRules(), conditionalRules())
}

func TestNaiveStoreWithoutFaultsPasses(t *testing.T) {
	t.Parallel()
	TestEventStore(t, func(*testing.T) fact.EventStore { return newNaive() })
}

func TestEventStoreFindsFaults(t *testing.T) {
	t.Parallel()
	foundBy := map[string][]string{
		numbersAcrossStreams:  {"append numbers the events of each stream from 1"},
		keepsStream:           {"append assigns stream and sequence whatever the event says"},
		keepsSequence:         {"append assigns stream and sequence whatever the event says"},
		leavesIDEmpty:         {"append fills an empty ID and keeps a given one"},
		replacesID:            {"append fills an empty ID and keeps a given one"},
		leavesTimeZero:        {"append fills a zero time in UTC and keeps a given one"},
		usesLocalTime:         {"append fills a zero time in UTC and keeps a given one"},
		changesSlice:          {"append leaves the caller's slice untouched"},
		refusesNoEvents:       {"append of no events does nothing"},
		acceptsEmptyStream:    {"append refuses an empty stream name"},
		acceptsAnything:       {"append refuses data that is not JSON"},
		acceptsAnyText:        {"append refuses text that is not text"},
		refusesEmptyData:      {"append refuses data that is not JSON"},
		storesPart:            {"append stores all events or none"},
		ignoresContext:        {"append with an ended ctx stores nothing"},
		numbersWithoutLock:    {"concurrent appends share no sequence and leave no gap"},
		dropsMetadata:         {"load returns what was appended"},
		readsNumbersAsFloats:  {"load returns numbers exactly"},
		loadsInReverse:        {"load returns long streams in order"},
		cutsLongStreams:       {"load returns long streams in order"},
		refusesUnknown:        {"load of an unknown stream is empty"},
		loadsInclusively:      {"LoadFrom is strictly after the sequence"},
		foldsStreamNames:      {"streams with similar or hostile names are apart"},
		keepsCallersMemory:    {"changing the events after append changes nothing stored"},
		givesOutMemory:        {"changing loaded events changes nothing stored"},
		returnsGiven:          {"AppendReturning returns what was stored"},
		returnsMemory:         {"AppendReturning returns copies"},
		returningIsLax:        {"AppendReturning keeps the rules of append"},
		neverConflicts:        {"AppendAt elsewhere fails with a ConflictError and stores nothing"},
		conflictsAreUntyped:   {"AppendAt elsewhere fails with a ConflictError and stores nothing"},
		conflictsSwapped:      {"AppendAt elsewhere fails with a ConflictError and stores nothing"},
		checksNothing:         {"AppendAt with no events does and checks nothing"},
		conditionalIsLax:      {"AppendAt keeps the rules of append"},
		checksOutsideTheLock:  {"AppendAt lets one of many concurrent callers win"},
		expectsTheNewSequence: {"AppendAt appends at the expected sequence"},
	}
	var stores []broken
	for fault, rules := range foundBy {
		stores = append(stores, broken{
			fault:    fault,
			newStore: func(Wiring) fact.EventStore { return newNaive(fault) },
			foundBy:  rules,
		})
	}
	requireFound(t, allStoreRules(), stores)
}
