package fact_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

func TestUpcasters(t *testing.T) {
	t.Parallel()
	var u fact.Upcasters
	u.Add("message", 1, func(e fact.Event) (fact.Event, error) {
		e.Data = bytes.ReplaceAll(e.Data, []byte(`"txt"`), []byte(`"text"`))
		return e, nil
	})
	u.Add("message", 2, func(e fact.Event) (fact.Event, error) {
		e.Type, e.Metadata = "chat_message", nil // which is of version 1
		return e, nil
	})
	u.Add("bad", 1, func(e fact.Event) (fact.Event, error) { return e, errors.Join(errTest) })
	u.Add("round", 1, func(e fact.Event) (fact.Event, error) { e.Type = "about"; return e, nil })
	u.Add("about", 1, func(e fact.Event) (fact.Event, error) { e.Type = "round"; return e, nil })

	old := fact.Event{ID: "1", Stream: "s", Type: "message", Sequence: 3, Data: []byte(`{"txt":"a"}`), Metadata: map[string]string{"trace": "t"}}
	got, err := u.Upcast(old)
	require.NoError(t, err)
	require.Equal(t, fact.Event{ID: "1", Stream: "s", Type: "chat_message", Sequence: 3, Data: []byte(`{"text":"a"}`)}, got)
	require.Equal(t, `{"txt":"a"}`, string(old.Data), "the given event stays")
	require.Equal(t, map[string]string{"trace": "t"}, old.Metadata)

	second := fact.Event{Type: "message", Metadata: map[string]string{fact.MetadataVersion: "2"}, Data: []byte(`{"txt":1}`)}
	got, err = u.Upcast(second)
	require.NoError(t, err)
	require.Equal(t, `{"txt":1}`, string(got.Data), "the first step is not for it")

	same, err := u.Upcast(fact.Event{Type: "other"})
	require.NoError(t, err)
	require.Equal(t, fact.Event{Type: "other"}, same)
	_, err = u.Upcast(fact.Event{Type: "bad"})
	require.ErrorIs(t, err, errTest)
	_, err = u.Upcast(fact.Event{Type: "round"})
	require.ErrorContains(t, err, "circle")
	_, err = u.Upcast(fact.Event{Type: "message", Metadata: map[string]string{fact.MetadataVersion: "two"}})
	require.ErrorContains(t, err, "not a number")
	require.Panics(t, func() { u.Add("message", 1, nil) })
}
