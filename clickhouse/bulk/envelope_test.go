package bulk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
)

// TestEnvelopeTexts has IDs and names of schemas, which follow the rules of
// values.
func TestEnvelopeTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`ab`:                        "ab",
		``:                          "",
		`\u0061\"\\\/\n`:            "a\"\\/\n",
		`\ud83d\ude00x\uD83D\uDE00`: "😀x😀",
		`\ufffd`:                    "\uFFFD",
		`\\ud800`:                   `\ud800`,
		`é`:                         "é",
	} {
		e := newEnvelope(Facts)
		require.NoError(t, e.parse([]byte(`{"schema":"`+text+`","id":"`+text+`","data":{}}`)), text)
		require.Equal(t, want, string(e.schema))
		require.Equal(t, want, string(e.id))
	}
	for text, want := range map[string]error{
		`\ud800x`:       block.ErrUTF8,
		`\ud800\u0041`:  block.ErrUTF8,
		`\ude00`:        block.ErrUTF8,
		`\\\ud83d`:      block.ErrUTF8,
		`\n\ud83d\n`:    block.ErrUTF8,
		`😀\ud83d\ud83d`: block.ErrUTF8,
		"\xff":          block.ErrUTF8,
		"\x01":          block.ErrSyntax,
		`\x`:            block.ErrSyntax,
		`\u12`:          block.ErrSyntax,
	} {
		for _, key := range []string{"schema", "id"} {
			e := newEnvelope(Auto)
			err := e.parse([]byte(`{"data":{},"` + key + `":"` + text + `"}`))
			require.ErrorIs(t, err, want, text)
		}
	}
}
