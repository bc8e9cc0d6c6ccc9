package literal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// jsonLiteral writes the JSON text of v. A json.RawMessage is taken byte for
// byte, and so is a string, which holds JSON here as it does in a fact.
func jsonLiteral(v any, object bool) (string, error) {
	if v == nil {
		return "", errors.New("null is not a value: leave the default out, or give json.RawMessage for a JSON null")
	}
	raw, ok := v.(json.RawMessage)
	if text, isText := v.(string); isText && !object {
		raw, ok = json.RawMessage(text), true
		if !json.Valid(raw) {
			return "", fmt.Errorf("%q is not JSON: a string holds JSON text here; for a JSON string give it in quotes", sqltext.Shorten(text))
		}
	}
	if !ok {
		if _, isBytes := v.([]byte); isBytes {
			return "", errors.New("[]byte is ambiguous: give json.RawMessage for JSON text")
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return "", fmt.Errorf("json: %w", err)
		}
		raw = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	if !json.Valid(raw) || sqltext.CheckText(string(raw)) != nil {
		return "", fmt.Errorf("%q is not valid JSON", sqltext.Shorten(string(raw)))
	}
	if object && bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return "", fmt.Errorf("%s is not a JSON object", sqltext.Shorten(string(raw)))
	}
	return sqltext.QuoteString(string(raw)), nil
}
