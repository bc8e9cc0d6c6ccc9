package fact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// FuzzFactFromEvent checks that data which becomes a fact becomes the same data
// again, and that nothing makes it panic.
func FuzzFactFromEvent(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, ` {"a":9007199254740993,"b":[1.50,null,{"c":"\ud83d\ude42"}]} `, `{"a":1,"a":2}`, `{"a":"\ud83d"}`,
		`{"a":"\\ud83d"}`, `{"a":1}{}`, `[1]`, `"text"`, `{"\u0000":"<>&\u2028"}`, "{\"a\":\"\xff\"}", `{"a":-0,"b":1e400}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := fact.FactFromEvent(fact.Event{ID: "1", Type: "message", Data: data})
		if err != nil {
			return
		}
		require.True(t, json.Valid(data), "only valid JSON becomes a fact")
		again, err := fact.NewEvent("s", got)
		require.NoError(t, err)
		back, err := fact.FactFromEvent(again)
		require.NoError(t, err)
		require.Equal(t, got, back)
		// Nothing was replaced on the way.
		require.Equal(t, bytes.Count(data, []byte("\ufffd"))+countEscapes(data), bytes.Count(again.Data, []byte("\ufffd")))
	})
}

// countEscapes counts the escaped replacement characters of valid JSON.
func countEscapes(data []byte) int {
	n := 0
	for i := 0; i+5 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if data[i+1] == 'u' && bytes.EqualFold(data[i+2:i+6], []byte("fffd")) {
			n++
		}
		i++
	}
	return n
}

// FuzzFactText checks that any text is stored as it is or refused.
func FuzzFactText(f *testing.F) {
	for _, seed := range []string{"", "text", "<b>&\"\\/\b\f\n\r\t\x00\x7f\u2028\u2029", "é漢🙂\ufffd", "\xff", "a\xc3", "\xed\xa0\x80"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		given := fact.Fact{Schema: "message", ID: "1", Data: map[string]any{key: text, "list": []any{text}}}
		e, err := fact.NewEvent("s", given)
		if err != nil {
			require.ErrorContains(t, err, "UTF-8")
			return
		}
		back, err := fact.FactFromEvent(e)
		require.NoError(t, err)
		require.Equal(t, given, back)
	})
}

// FuzzEventJSON checks that events survive JSON and the store.
func FuzzEventJSON(f *testing.F) {
	f.Add("id", "stream", "type", []byte(`{"a":1.0}`), "key", "value", int64(1), int64(1_900_000_000_123_456_789))
	f.Add("", "a/b*", "", []byte(`null`), "", "", int64(-1), int64(0))
	f.Add("🙂", "\u2028", "<t>", []byte(` "x" `), "k", "\n", int64(1)<<62, int64(-1))
	f.Fuzz(func(t *testing.T, id, stream, eventType string, data []byte, key, value string, sequence, nanos int64) {
		given := fact.Event{
			ID: id, Stream: stream, Type: eventType, Data: data, Metadata: map[string]string{key: value},
			Sequence: sequence, OccurredAt: time.Unix(0, nanos).UTC(),
		}
		store := fact.NewMemoryStore()
		if err := store.Append(context.Background(), stream, []fact.Event{given}); err != nil {
			require.True(t, stream == "" || !json.Valid(data) || !validUTF8(data), "refused for a reason: %v", err)
			return
		}
		stored, err := store.Load(context.Background(), stream)
		require.NoError(t, err)
		require.EqualValues(t, 1, stored[0].Sequence)
		require.Equal(t, string(data), string(stored[0].Data), "bytes are kept as they are")
		text, err := json.Marshal(stored[0])
		require.NoError(t, err)
		var back fact.Event
		require.NoError(t, json.Unmarshal(text, &back))
		if !validUTF8([]byte(id + stream + eventType + key + value)) {
			return // what is no text cannot survive JSON
		}
		require.Equal(t, stored[0].Stream, back.Stream)
		require.Equal(t, stored[0].Metadata, back.Metadata)
		require.True(t, stored[0].OccurredAt.Equal(back.OccurredAt))
		if len(data) > 0 {
			require.JSONEq(t, string(stored[0].Data), string(back.Data))
		}
	})
}

func validUTF8(b []byte) bool { return bytes.Equal(bytes.ToValidUTF8(b, []byte("?")), b) }

// FuzzParseFieldType checks that names and types match one to one.
func FuzzParseFieldType(f *testing.F) {
	for _, t := range fact.FieldTypes() {
		f.Add(t.String())
	}
	f.Add("Nullable(String)")
	f.Fuzz(func(t *testing.T, name string) {
		parsed, err := fact.ParseFieldType(name)
		if err == nil {
			require.Equal(t, name, parsed.String())
			require.True(t, parsed.Valid())
		}
	})
}
