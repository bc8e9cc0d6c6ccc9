package bulk

import (
	"bytes"
	"errors"

	"github.com/factload/factload/fact"
)

// ParseEvent reads a line of a raw log, which is an event as it marshals, by the
// rules that [Load] has for events: no key twice, no other keys, text that is UTF-8
// with surrogates in pairs. It returns the event's ID, Type and Data, which are what
// a replay needs; of the others it only checks that they are JSON. Data is as the
// line has it, byte for byte, and shares no memory with it. It may be any JSON value.
func ParseEvent(line []byte) (fact.Event, error) {
	e := newEnvelope(Events)
	e.anyData = true
	if err := e.parse(line); err != nil {
		return fact.Event{}, err
	}
	if len(e.id) == 0 || len(e.schema) == 0 {
		return fact.Event{}, errors.New("an event has an id and a type")
	}
	return fact.Event{ID: string(e.id), Type: string(e.schema), Data: bytes.Clone(e.data)}, nil
}
