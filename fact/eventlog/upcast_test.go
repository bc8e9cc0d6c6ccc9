package eventlog_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/eventlog"
	"github.com/factload/factload/fact/internal/storetest"
)

func TestUpcasters(t *testing.T) {
	t.Parallel()
	var u eventlog.Upcasters
	u.Add("message", 1, func(e eventlog.Event) (eventlog.Event, error) {
		e.Data = bytes.ReplaceAll(e.Data, []byte(`"txt"`), []byte(`"text"`))
		return e, nil
	})
	u.Add("message", 2, func(e eventlog.Event) (eventlog.Event, error) {
		e.Type, e.Metadata = "chat_message", nil // which is of version 1
		return e, nil
	})
	u.Add("bad", 1, func(e eventlog.Event) (eventlog.Event, error) { return e, errors.Join(storetest.ErrTest) })
	u.Add("round", 1, func(e eventlog.Event) (eventlog.Event, error) { e.Type = "about"; return e, nil })
	u.Add("about", 1, func(e eventlog.Event) (eventlog.Event, error) { e.Type = "round"; return e, nil })

	old := eventlog.Event{ID: "1", Stream: "s", Type: "message", Sequence: 3, Data: []byte(`{"txt":"a"}`), Metadata: map[string]string{"trace": "t"}}
	got, err := u.Upcast(old)
	require.NoError(t, err)
	require.Equal(t, eventlog.Event{ID: "1", Stream: "s", Type: "chat_message", Sequence: 3, Data: []byte(`{"text":"a"}`)}, got)
	require.Equal(t, `{"txt":"a"}`, string(old.Data), "the given event stays")
	require.Equal(t, map[string]string{"trace": "t"}, old.Metadata)

	second := eventlog.Event{Type: "message", Metadata: map[string]string{eventlog.MetadataVersion: "2"}, Data: []byte(`{"txt":1}`)}
	got, err = u.Upcast(second)
	require.NoError(t, err)
	require.Equal(t, `{"txt":1}`, string(got.Data), "the first step is not for it")

	same, err := u.Upcast(eventlog.Event{Type: "other"})
	require.NoError(t, err)
	require.Equal(t, eventlog.Event{Type: "other"}, same)
	_, err = u.Upcast(eventlog.Event{Type: "bad"})
	require.ErrorIs(t, err, storetest.ErrTest)
	_, err = u.Upcast(eventlog.Event{Type: "round"})
	require.ErrorContains(t, err, "circle")
	_, err = u.Upcast(eventlog.Event{Type: "message", Metadata: map[string]string{eventlog.MetadataVersion: "two"}})
	require.ErrorContains(t, err, "not a number")
	require.Panics(t, func() { u.Add("message", 1, nil) })
}
