package sample_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// A row is a decoded line. Numbers are json.Number.
type row map[string]json.RawMessage

// rowsOf decodes rows of a schema. It fails at lines that are not one JSON object with each key once.
func rowsOf(t testing.TB, schema string, rows int, seed uint64) []row {
	t.Helper()
	var all []row
	for line := range bytes.Lines(write(t, schema, rows, seed)) {
		r := make(row)
		if err := decodeRow(line, r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

func decodeRow(line []byte, r row) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key := fmt.Sprint(token)
		if r[key] != nil {
			return fmt.Errorf("key %q is there twice", key)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		r[key] = value
	}
	if !json.Valid(line) || !utf8.Valid(line) {
		return errors.New("the line is not one JSON object")
	}
	return nil
}

func (r row) text(t testing.TB, key string) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(r[key], &s); err != nil {
		t.Fatalf("%s: %s: %v", key, r[key], err)
	}
	return s
}

func (r row) number(t testing.TB, key string) float64 {
	t.Helper()
	if r[key] == nil {
		return 0
	}
	var x float64
	if err := json.Unmarshal(r[key], &x); err != nil {
		t.Fatalf("%s: %s: %v", key, r[key], err)
	}
	return x
}

func (r row) isNull(key string) bool { return r[key] == nil || string(r[key]) == "null" }

// sampled are the built-in schemas but that of prices, whose rows users write, and that of
// the events of a log.
func sampled() []schemas.Definition {
	return slices.DeleteFunc(schemas.Builtins(), func(d schemas.Definition) bool {
		return d.Schema.Name == "model_price" || d.Schema.Name == fact.LoggedEventSchema
	})
}

func TestRowsFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, def := range sampled() {
		t.Run(def.Schema.Name, func(t *testing.T) {
			t.Parallel()
			ids := make(map[string]bool)
			seen := make(map[string]bool)
			for _, r := range rowsOf(t, def.Schema.Name, 1000, 3) {
				for key, value := range r {
					f, known := def.Schema.FieldByName(key)
					if !known {
						t.Fatalf("unknown key %s", key)
					}
					requireValue(t, f, value)
					seen[key] = true
				}
				for _, name := range def.Schema.OrderBy {
					require.Contains(t, r, name, "a field of the sorting key")
				}
				id := r.text(t, "id")
				require.Len(t, id, 32)
				require.False(t, ids[id], "id %s is there twice", id)
				ids[id] = true
			}
			for _, f := range def.Schema.Fields {
				if f.Name == "payload" && def.Schema.Name != "message" && def.Schema.Name != "conversation" {
					continue // room for the users' own things
				}
				require.True(t, seen[f.Name] || f.Name == "tags" || f.Name == "refused", "no row has %s", f.Name)
			}
		})
	}
}

// requireValue checks a value against its field by means of encoding/json alone.
func requireValue(t testing.TB, f fact.Field, value json.RawMessage) {
	t.Helper()
	if string(value) == "null" {
		require.True(t, f.Nullable, "%s is null", f.Name)
		return
	}
	if f.Array {
		var list []json.RawMessage
		require.NoError(t, json.Unmarshal(value, &list), "%s: %s", f.Name, value)
		f.Array = false
		for _, element := range list {
			requireValue(t, f, element)
		}
		return
	}
	var err error
	switch f.Type {
	case fact.String, fact.LowCardinalityString:
		err = json.Unmarshal(value, new(string))
	case fact.Bool:
		_, err = strconv.ParseBool(string(value))
	case fact.UInt16:
		_, err = strconv.ParseUint(string(value), 10, 16)
	case fact.UInt32:
		_, err = strconv.ParseUint(string(value), 10, 32)
	case fact.UInt64:
		_, err = strconv.ParseUint(string(value), 10, 64)
	case fact.Float64:
		_, err = strconv.ParseFloat(string(value), 64)
	case fact.JSON:
		require.True(t, json.Valid(value))
	case fact.DateTime64:
		var at time.Time
		err = json.Unmarshal(value, &at)
		require.False(t, at.Before(time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC)), "%s", value)
		require.True(t, at.Before(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)), "%s", value)
	default:
		t.Fatalf("no check for type %s", f.Type)
	}
	require.NoError(t, err, "%s: %s", f.Name, value)
}

func TestMessageSize(t *testing.T) {
	t.Parallel()
	const rows = 6000
	lines, content := len(write(t, "message", rows, 1)), 0
	longest := 0
	for _, r := range rowsOf(t, "message", rows, 1) {
		n := len(r.text(t, "content"))
		content += n
		longest = max(longest, n)
	}
	require.InDelta(t, 460, lines/rows, 60, "bytes of a line")
	require.InDelta(t, 190, content/rows, 50, "bytes of text")
	require.Greater(t, longest, 1000)
}

func TestMessagesHaveUnicodeAndEscapes(t *testing.T) {
	t.Parallel()
	text := write(t, "message", 6000, 1)
	for _, want := range []string{"ü", "請求書", "मैं", "👩‍💻", `\n`, `\t`, `\"`, `\\`, `\ud83d\ude00`} {
		require.True(t, bytes.Contains(text, []byte(want)), want)
	}
	require.Equal(t, 6000, bytes.Count(text, []byte("\n")))
}
