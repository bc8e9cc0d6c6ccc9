package jsontext

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzValid: Valid says what json.Valid says.
func FuzzValid(f *testing.F) {
	for _, text := range []string{
		``, ` `, `{}`, ` [ ] `, `{"a":[1,-0.5e+3,true,false,null,"x\u00e9\n\"\\\/"],"b":{"c":{}}}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{a:1}`,
		`{"a"}`, `{"a":}`, `{"a":1`, `[`, `"`, `"\`, `"\u12`, `"\u12g4"`, `"\x"`, "\"\x01\"", "\"\xff\"", "\"\x7f\"", `01`, `-`, `-01`, `1.`, `.5`, `1e`, `1e+`, `1E5`, `0e0`,
		`tru`, `nul`, `falsey`, `true false`, `+1`, "\ufeff1", `[[[[]]]]`, `[}`, `{]`, `"a":1`, "\v1", `1,`, `-0`, `{"a" : 1 , "b" : [ ] }`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		require.Equal(t, json.Valid(text), Valid(text), "%q", text)
	})
}

func TestValidDepth(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{maxDepth - 1, maxDepth, maxDepth + 1} {
		for _, text := range []string{
			strings.Repeat("[", depth) + strings.Repeat("]", depth),
			strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth),
		} {
			require.Equal(t, json.Valid([]byte(text)), Valid([]byte(text)), depth)
		}
	}
}

func BenchmarkValid(b *testing.B) {
	text := []byte(`{"role":"assistant","model":"m-large","prompt_tokens":812,"score":0.75,"text":"` + strings.Repeat("A reply. ", 14) + `"}`)
	for name, valid := range map[string]func([]byte) bool{"ours": Valid, "encoding/json": json.Valid} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				valid(text)
			}
		})
	}
}
