package eventlog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
)

func TestAppendEventLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 5, 6, 7, 8, 9, 123456789, time.FixedZone("", 3600))
	for _, e := range []eventlog.Event{
		{ID: "1", Stream: "s", Type: "x", Data: []byte(`{ "a" : 1.0, "b":"<é\u0041>" }`), Metadata: map[string]string{"k": "<v>"}, Sequence: 7, OccurredAt: at},
		{ID: "1", Stream: "a\"\n", Type: "x", Data: []byte(`null`), Sequence: 1, OccurredAt: at},
		{ID: "2", Stream: "s", Type: "x", Sequence: 1, OccurredAt: at},
	} {
		line, err := eventlog.AppendEventLine([]byte("before "), e)
		require.NoError(t, err)
		require.Equal(t, "before ", string(line[:7]))
		require.NotContains(t, string(line), "\n")
		var back eventlog.Event
		require.NoError(t, json.Unmarshal(line[7:], &back))
		require.True(t, e.OccurredAt.Equal(back.OccurredAt))
		back.OccurredAt = e.OccurredAt
		require.Equal(t, e, back)
	}
	line, err := eventlog.AppendEventLine(nil, eventlog.Event{Data: []byte("{\n \"a\": 1}")})
	require.NoError(t, err)
	require.Contains(t, string(line), `"data":{"a":1},"sequence":0`)
}
