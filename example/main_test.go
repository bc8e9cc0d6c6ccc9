package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

const want = `refused: append to stream "run-1": projector *main.referee on event 7 of type "case.graded": ` +
	`run "run-1" has 4 cases, this would be number 5

RUN    MODEL    SUITE    CATEGORY  PASSED  RATE  STATE
run-1  m-large  nightly  code      2/2     100%  finished
run-1  m-large  nightly  math      1/2     50%   finished
run-2  m-small  nightly  math      0/1     0%    running

the log of run-1:
1  run.started   {"model":"m-large","suite":"nightly","cases":4}
2  case.graded   {"case":"math-1","category":"math","passed":true}
3  case.graded   {"case":"math-2","category":"math","passed":false}
4  case.graded   {"case":"code-1","category":"code","passed":true}
5  case.graded   {"case":"code-2","category":"code","passed":true}
6  run.finished  {"passed":3,"cases":4}

rebuilt from the log, the read model is the same: true
`

func TestExample(t *testing.T) {
	t.Parallel()
	for range 3 { // the output does not depend on when publishers run
		var out strings.Builder
		require.NoError(t, show(t.Context(), &out))
		require.Equal(t, want, out.String())
	}
}

func TestRefusedCaseLeavesTheRunAlone(t *testing.T) {
	t.Parallel()
	judge := new(referee)
	store := fact.NewMemoryStore(fact.WithProjector(judge))
	judge.store = store
	// The run is complete with its first case, and closed by the same append
	// that then goes too far.
	err := record(t.Context(), store, "run", runStarted{Cases: 1}, caseGraded{Case: "a"}, caseGraded{Case: "b"})
	require.ErrorContains(t, err, "has 1 cases, this would be number 2")
	events, err := store.Load(t.Context(), "run")
	require.NoError(t, err)
	require.Empty(t, events, "neither the cases nor the closing event")
	require.NoError(t, record(t.Context(), store, "run", runStarted{Cases: 1}, caseGraded{Case: "a", Passed: true}))
	events, err = store.Load(t.Context(), "run")
	require.NoError(t, err)
	require.Equal(t, "run.finished", events[len(events)-1].Type)
}

// full is a writer without room.
type full struct{}

var errFull = errors.New("no room")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestExampleReportsWriteErrors(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, show(t.Context(), full{}), errFull)
}
