package block

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// TestValues puts every case through both entries, as JSON and as Go values,
// and compares with what docs/values.md promises.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, tc := range allCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range tc.cases {
				b := newBlock(t, oneField(tc.field), Options{})
				if c.json != "" {
					checkCase(t, b, c, b.AppendJSON(row(c.json)), cut(c.json))
				}
				for _, v := range c.same {
					msg := cut(fmt.Sprintf("Go value %T %v of %s", v, v, c.json))
					err := b.Append(&fact.Fact{Data: map[string]any{"x": v}})
					if refused := (*fact.FactError)(nil); errors.As(err, &refused) { // before it was JSON
						require.Error(t, c.kind, "%s: %v", msg, err)
						require.Equal(t, "x", refused.Field, msg)
						require.Zero(t, b.Rows(), msg)
						continue
					}
					checkCase(t, b, c, err, msg)
				}
			}
		})
	}
}

func cut(s string) string { return s[:min(len(s), 100)] }

func checkCase(t *testing.T, b *Block, c valueCase, err error, msg string) {
	t.Helper()
	if c.kind != nil {
		require.ErrorIs(t, err, c.kind, msg)
		require.LessOrEqual(t, len(err.Error()), 600, msg)
		var fe *FieldError
		require.ErrorAs(t, err, &fe, msg)
		require.Zero(t, b.Rows(), msg)
		return
	}
	require.NoError(t, err, msg)
	require.Equal(t, c.want, lastValue(t, b), msg)
	b.Reset()
}

// TestGoValuesEqualTheirJSON checks the rule that AppendFact states: a value is
// stored as its JSON would be, and refused when its JSON would be refused.
func TestGoValuesEqualTheirJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range allCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range tc.cases {
				for _, v := range c.same {
					checkAgainstJSON(t, tc, v)
				}
			}
		})
	}
}

func checkAgainstJSON(t *testing.T, tc typeCases, v any) {
	t.Helper()
	data := map[string]any{"x": v}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if enc.Encode(data) != nil {
		return // no JSON
	}
	viaGo, viaJSON := newBlock(t, oneField(tc.field), Options{}), newBlock(t, oneField(tc.field), Options{})
	errGo, errJSON := viaGo.AppendFact("", data), viaJSON.AppendJSON(text.Bytes())
	msg := cut(fmt.Sprintf("%T %v as %s", v, v, text.Bytes()))
	if refused := (*fact.FactError)(nil); errors.As(errGo, &refused) {
		return // encoding/json makes another value of it, as TestValues has it
	}
	if tc.field.Type == fact.JSON && bytes.ContainsAny(text.Bytes()[len(`{"x":`):][:2], `"`) {
		return // a string holds JSON there
	}
	require.Equal(t, Reason(errJSON), Reason(errGo), msg)
	want, got := values(t, viaJSON, 0), values(t, viaGo, 0)
	if strings.Contains(tc.name, "json") {
		// Raw JSON is stored byte for byte, and encoding/json takes its spaces out.
		want, got = compacted(want), compacted(got)
	}
	require.Equal(t, want, got, msg)
}

func compacted(values []string) []string {
	for i := range values {
		values[i] = strings.ReplaceAll(values[i], " ", "")
	}
	return values
}
