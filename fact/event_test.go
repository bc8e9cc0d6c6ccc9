package fact_test

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// evalFinished is an event as a service would define it.
type evalFinished struct {
	Model  string  `json:"model"`
	Score  float64 `json:"score"`
	Raw    []byte  `json:"raw,omitempty"`
	hidden string
}

func (evalFinished) EventType() string { return "eval.finished" }

// raw is an event whose data is its own JSON.
type raw string

func (raw) EventType() string              { return "raw" }
func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

type typed string

func (t typed) EventType() string { return string(t) }

func TestNewEventID(t *testing.T) {
	t.Parallel()
	format := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := make(map[string]bool)
	for range 1000 {
		id := fact.NewEventID()
		require.Regexp(t, format, id)
		require.False(t, seen[id], "IDs do not repeat")
		seen[id] = true
	}
}

func TestNewEvent(t *testing.T) {
	t.Parallel()
	before := time.Now()
	e, err := fact.NewEvent("run-1", evalFinished{Model: "<a> & b", Score: 0.5, Raw: []byte{1}, hidden: "\xff"})
	require.NoError(t, err)
	require.Regexp(t, `^[0-9a-f]{32}$`, e.ID)
	require.Equal(t, "run-1", e.Stream)
	require.Equal(t, "eval.finished", e.Type)
	require.Equal(t, `{"model":"<a> & b","score":0.5,"raw":"AQ=="}`, string(e.Data))
	require.Nil(t, e.Metadata)
	require.Zero(t, e.Sequence)
	require.Equal(t, time.UTC, e.OccurredAt.Location())
	require.WithinRange(t, e.OccurredAt, before.Add(-time.Second), time.Now().Add(time.Second))
}

func TestNewEventWithMetaCopiesIt(t *testing.T) {
	t.Parallel()
	meta := map[string]string{"trace": "abc"}
	e, err := fact.NewEventWithMeta("run-1", evalFinished{}, meta)
	require.NoError(t, err)
	meta["trace"] = "changed"
	require.Equal(t, map[string]string{"trace": "abc"}, e.Metadata)
}

func TestNewEventOfFact(t *testing.T) {
	t.Parallel()
	f := fact.Fact{Schema: "message", ID: "m1", Data: map[string]any{"role": "user"}}
	for _, data := range []fact.EventTyper{f, &f} {
		e, err := fact.NewEvent("chat", data)
		require.NoError(t, err)
		require.Equal(t, "m1", e.ID)
		require.Equal(t, "message", e.Type)
		require.Equal(t, `{"role":"user"}`, string(e.Data))
	}
	e, err := fact.NewEvent("chat", fact.Fact{Schema: "message"})
	require.NoError(t, err)
	require.NotEmpty(t, e.ID)
	require.Equal(t, `{}`, string(e.Data))
}

func TestNewEventRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data fact.EventTyper
		want string
	}{
		"nil":       {nil, "data is nil"},
		"no type":   {typed(""), "empty event type"},
		"NaN":       {evalFinished{Score: math.NaN()}, "NaN"},
		"bad UTF-8": {evalFinished{Model: "a\xffb"}, `not valid UTF-8: "a\xffb"`},
		"bad raw":   {raw("\"\xff\""), "not valid UTF-8"},
		"bad fact":  {fact.Fact{Schema: "s", Data: map[string]any{"x": math.Inf(1)}}, `field "x"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fact.NewEvent("a", test.data)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestEventAsJSON(t *testing.T) {
	t.Parallel()
	e := fact.Event{
		ID: "1", Stream: "s", Type: "t", Data: json.RawMessage(`{"n":9007199254740993}`),
		Metadata: map[string]string{"k": "v"}, Sequence: 7,
		OccurredAt: time.Date(2031, 5, 6, 7, 8, 9, 123456789, time.UTC),
	}
	text, err := json.Marshal(e)
	require.NoError(t, err)
	require.Equal(t, `{"id":"1","stream":"s","type":"t","data":{"n":9007199254740993},"metadata":{"k":"v"},`+
		`"sequence":7,"occurred_at":"2031-05-06T07:08:09.123456789Z"}`, string(text))
	var back fact.Event
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, e, back)

	e.Metadata = nil
	text, err = json.Marshal(e)
	require.NoError(t, err)
	require.NotContains(t, string(text), "metadata")
}

func TestNewEventSurvivesJSON(t *testing.T) {
	t.Parallel()
	e, err := fact.NewEventWithMeta("run-1", evalFinished{Model: "m"}, map[string]string{"k": "v"})
	require.NoError(t, err)
	text, err := json.Marshal(e)
	require.NoError(t, err)
	var back fact.Event
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, e, back)
}
