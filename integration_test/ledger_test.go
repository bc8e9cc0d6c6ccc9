package integration

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/fact"
)

// ledger knows what callers were told about each fact. It is safe for
// concurrent use.
type ledger struct {
	mu           sync.Mutex
	facts        map[string]entry // by schema and ID
	acknowledged int
	failed       int
	inDoubt      int             // of those that failed
	gaveUp       map[string]bool // buffered facts that were given up; true if they are certainly not stored
	unexpected   []error         // errors that no fault explains
	counts       wrongs
}

// wrongs counts what must not be.
type wrongs struct{ lost, doubled, rejectedStored, targets int }

// entry is what is known of one fact.
type entry struct {
	acknowledged bool
	rejected     bool // every try said that nothing is stored
	tokens       int  // the value of its row
}

// stored is the rows of one fact.
type stored struct {
	rows        int
	least, most int // of their tokens
}

func newLedger() *ledger {
	return &ledger{facts: make(map[string]entry), gaveUp: make(map[string]bool)}
}

// giveUp notes buffered facts that are not stored, as their calls were told that they
// would be.
func (l *ledger) giveUp(f clickhouse.Failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range f.IDs {
		l.gaveUp[f.Table+" "+id] = notStored(f.Err)
	}
	if !isExpected(f.Err) {
		l.unexpected = append(l.unexpected, f.Err)
	}
}

// acknowledges reports whether a fact's caller was told that it is stored.
func (l *ledger) acknowledges(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, gaveUp := l.gaveUp[name]
	return l.facts[name].acknowledged && !gaveUp
}

// notStored reports whether an error says that nothing is stored, and that the same
// call would fail again.
func notStored(err error) bool {
	return (errors.Is(err, clickhouse.ErrRejected) || errors.Is(err, clickhouse.ErrSchema)) && !errors.Is(err, clickhouse.ErrAmbiguous)
}

// storedBefore reports whether an error about another table says that the table has its rows.
func storedBefore(err error, table string) bool {
	var partial *clickhouse.PartialInsertError
	return errors.As(err, &partial) && slices.Contains(partial.Stored, table)
}

// add notes the outcome of a call, which may have been tried several times.
func (l *ledger) add(facts []fact.Fact, tries ...error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := tries[len(tries)-1]
	for _, f := range facts {
		mayBe := func(err error) bool { return !notStored(err) || storedBefore(err, f.Schema) }
		l.facts[f.Schema+" "+f.ID] = entry{acknowledged: err == nil, rejected: !slices.ContainsFunc(tries, mayBe), tokens: f.Data["tokens"].(int)}
	}
	if errors.Is(err, clickhouse.ErrAmbiguous) {
		l.inDoubt += len(facts)
	}
	if err == nil {
		l.acknowledged += len(facts)
		return
	}
	l.failed += len(facts)
	if !isExpected(err) {
		l.unexpected = append(l.unexpected, err)
	}
}

// problems compares what is stored with what callers were told.
func (l *ledger) problems(found map[string]stored) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for name, e := range l.facts {
		s := found[name]
		if rejected, ok := l.gaveUp[name]; ok {
			e.acknowledged, e.rejected = false, rejected
		}
		switch {
		case e.rejected && s.rows > 0:
			l.counts.rejectedStored++
			add("fact %q was rejected and is there", name)
		case e.acknowledged && s.rows == 0:
			l.counts.lost++
			add("fact %q was acknowledged and is not there", name)
		case s.rows > 1:
			l.counts.doubled++
			add("fact %q is there %d times (acknowledged: %t)", name, s.rows, e.acknowledged)
		case s.rows == 1 && (s.least != e.tokens || s.most != e.tokens):
			add("fact %q has %d and should have %d", name, s.least, e.tokens)
		}
	}
	for name := range found {
		if _, ok := l.facts[name]; !ok {
			add("fact %q is there and was never recorded", name)
		}
	}
	for _, err := range l.unexpected {
		add("a call failed in a way that no fault explains: %v", err)
	}
	return problems
}

// problemsAfterReplay compares what is stored after a replay of the log with
// the log, which has to be there once.
func (l *ledger) problemsAfterReplay(found map[string]stored, logged []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var problems []string
	for _, name := range logged {
		if s := found[name]; s.rows != 1 || s.least != l.facts[name].tokens {
			problems = append(problems, fmt.Sprintf("fact %q is there %d times, with %d", name, s.rows, s.least))
		}
	}
	return problems
}

// The ledger finds each way to be wrong.
func TestLedger(t *testing.T) {
	t.Parallel()
	l := newLedger()
	told := func(id string, tokens int, err error) {
		l.add([]fact.Fact{{Schema: "s", ID: id, Data: map[string]any{"tokens": tokens}}}, err)
	}
	told("stored", 1, nil)
	told("lost", 2, nil)
	told("doubled", 3, nil)
	told("changed", 4, nil)
	told("failed", 5, clickhouse.ErrRetryable)
	told("failed and stored", 6, clickhouse.ErrAmbiguous)
	told("failed and doubled", 7, clickhouse.ErrAmbiguous)
	told("refused and stored", 10, clickhouse.ErrRejected)
	told("of a call that another table refused", 11, &clickhouse.PartialInsertError{Stored: []string{"s"}, Failed: "other", Err: clickhouse.ErrRejected})
	told("strange", 8, errors.New("nil pointer"))
	require.Equal(t, 4, l.acknowledged)
	require.Equal(t, 6, l.failed)
	require.ElementsMatch(t, []string{
		`fact "s lost" was acknowledged and is not there`,
		`fact "s doubled" is there 2 times (acknowledged: true)`,
		`fact "s failed and doubled" is there 2 times (acknowledged: false)`,
		`fact "s changed" has 9 and should have 4`,
		`fact "s refused and stored" was rejected and is there`,
		`fact "s ghost" is there and was never recorded`,
		`a call failed in a way that no fault explains: nil pointer`,
	}, l.problems(map[string]stored{
		"s stored": {1, 1, 1}, "s doubled": {2, 3, 3}, "s changed": {1, 9, 9},
		"s refused and stored": {1, 10, 10}, "s failed and stored": {1, 6, 6}, "s failed and doubled": {2, 7, 7}, "s of a call that another table refused": {1, 11, 11}, "s ghost": {1, 0, 0},
	}))
	require.ElementsMatch(t, []string{
		`fact "s doubled" is there 2 times, with 3`,
		`fact "s changed" is there 1 times, with 9`,
		`fact "s failed" is there 0 times, with 0`,
	}, l.problemsAfterReplay(map[string]stored{
		"s stored": {1, 1, 1}, "s doubled": {2, 3, 3}, "s changed": {1, 9, 9},
	}, []string{"s stored", "s doubled", "s changed", "s failed"}))
}
