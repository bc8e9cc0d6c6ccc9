package ddl

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl/internal/sqltext"
	"github.com/factload/factload/fact"
)

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, ident, str string }{
		{"", "``", "''"},
		{"a", "`a`", "'a'"},
		{"a`b", "`a\\`b`", "'a`b'"},
		{"a'b", "`a'b`", `'a\'b'`},
		{`a\b`, "`a\\\\b`", `'a\\b'`},
		{"a\nb\r\t", "`a\\nb\\r\\t`", `'a\nb\r\t'`},
		{"\x00\x01\x7f", "`\\x00\\x01\\x7f`", `'\x00\x01\x7f'`},
		{"é😀", "`é😀`", "'é😀'"},
		{"a\xffb", "`a\\xffb`", `'a\xffb'`},
		{"\xe2\x80", "`\\xe2\\x80`", `'\xe2\x80'`},
	} {
		require.Equal(t, c.ident, QuoteIdent(c.in))
		require.Equal(t, c.str, QuoteString(c.in))
	}
}

// judge is a lexer of its own for what the package writes: it reads the one
// quoted token that sql must be, and returns what it says.
func judge(sql string) (string, error) {
	if len(sql) < 2 || strings.IndexByte("`'", sql[0]) < 0 {
		return "", errors.New("no quote at the start")
	}
	var out []byte
	for i := 1; i < len(sql); i++ {
		switch c := sql[i]; {
		case c == sql[0] && i != len(sql)-1:
			return "", errors.New("text behind the closing quote")
		case c == sql[0]:
			return string(out), nil
		case c < 0x20 || c == 0x7f:
			return "", errors.New("a bare control character")
		case c != '\\':
			out = append(out, c)
		case i+1 == len(sql):
			return "", errors.New("a backslash at the end")
		default:
			i++
			switch sql[i] {
			case 'n':
				out = append(out, '\n')
			case 'r':
				out = append(out, '\r')
			case 't':
				out = append(out, '\t')
			case '\\', '\'', '`':
				out = append(out, sql[i])
			case 'x':
				var b []byte
				for _, h := range sql[i+1 : i+3] {
					b = append(b, byte(strings.IndexRune("0123456789abcdef", h)))
				}
				out = append(out, b[0]<<4|b[1])
				i += 2
			default:
				return "", errors.New("an unknown escape")
			}
		}
	}
	return "", errors.New("not closed")
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "`", "'", `\`, "\x00", "\xff", "a\nb", "`; DROP TABLE x; --", "é", "\\x41", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, sql := range []string{QuoteIdent(s), QuoteString(s)} {
			require.True(t, utf8.ValidString(sql))
			got, err := judge(sql)
			require.NoError(t, err, sql)
			require.Equal(t, s, got)

			tokens, err := sqltext.Tokenize(sql) // the package's own lexer agrees
			require.NoError(t, err)
			require.Len(t, tokens, 1)
			require.Equal(t, s, tokens[0].Text)
		}
	})
}

// FuzzLiteral gives text to every type. What comes out is one literal with the
// text's value in it, or an error.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "a", "'", `\`, "1", "-1.5", "1e400", "1e999999999", "NaN", "2024-01-01", "2024-01-01T00:00:00Z", "null", "{}", `"`, "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, ft := range fact.FieldTypes() {
			field := fact.Field{Name: "f", Type: ft, Precision: 18, Scale: 4, Values: []string{s}}
			values := []any{s, json.Number(s), json.RawMessage(s), map[string]string{s: s}, []string{s}, map[string]any{s: json.Number(s)}}
			for _, v := range values {
				sql, err := Literal(field, v)
				if err != nil {
					require.ErrorIs(t, err, ErrLiteral)
					continue
				}
				requireLiteral(t, sql)
				field.Array = true
				if list, err := Literal(field, []any{v, v}); err == nil {
					require.Equal(t, "["+sql+", "+sql+"]", list)
				}
				field.Array = false
			}
		}
	})
}

// requireLiteral checks that sql is a literal or a call of map() with literals,
// and that nothing of it stands outside of a quote but numbers and commas.
func requireLiteral(t *testing.T, sql string) {
	t.Helper()
	require.NoError(t, sqltext.CheckExpr(sql, false), sql)
	tokens, err := sqltext.Tokenize(sql)
	require.NoError(t, err)
	var rest []sqltext.Token
	for i, tok := range tokens {
		switch {
		case tok.Kind == sqltext.StringToken || tok.Kind == sqltext.NumberToken:
			rest = append(rest, tok)
		case i == 0 && (tok.IsWord("map") || tok.IsWord("true") || tok.IsWord("false") || tok.Is("-")):
		case tok.Is("(") || tok.Is(")") || tok.Is(","):
			require.True(t, tokens[0].IsWord("map"), sql)
		case tok.Is("."):
			require.Equal(t, len(tokens)-1, i, sql)
		default:
			t.Fatalf("%s: unexpected %s", sql, tok)
		}
	}
	if !tokens[0].IsWord("map") {
		require.LessOrEqual(t, len(rest), 1, sql)
	}
}

func TestLiteralRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field fact.Field
		value any
		want  string
	}{
		{fact.Field{Type: fact.String}, nil, "null is not a value"},
		{fact.Field{Type: fact.String}, (*string)(nil), "null is not a value"},
		{fact.Field{Type: fact.String}, 5, "int is not text"},
		{fact.Field{Type: fact.String}, "\xff", "is not valid UTF-8"},
		{fact.Field{Type: fact.String}, []string{"a"}, "[]string is not text"},
		{fact.Field{Type: fact.String, Array: true}, "a", "string is not a list"},
		{fact.Field{Type: fact.String, Array: true}, []any{"a", nil}, "element 1: null is not a value"},
		{fact.Field{Type: fact.Bool}, 1, "int is not a bool"},
		{fact.Field{Type: fact.UInt16}, 65536, "65536 does not fit into uint16"},
		{fact.Field{Type: fact.UInt16}, -1, "-1 does not fit into uint16"},
		{fact.Field{Type: fact.Int8}, 128, "128 does not fit into int8"},
		{fact.Field{Type: fact.Int64}, json.Number("9223372036854775808"), "does not fit into int64"},
		{fact.Field{Type: fact.UInt64}, json.Number("18446744073709551616"), "does not fit into uint64"},
		{fact.Field{Type: fact.UInt64}, 1.5, "1.5 is not a whole number"},
		{fact.Field{Type: fact.UInt64}, "1", "string is not a number"},
		{fact.Field{Type: fact.UInt64}, json.Number("1e999999999"), "is out of range"},
		{fact.Field{Type: fact.UInt64}, json.Number("0x10"), "is not a number"},
		{fact.Field{Type: fact.UInt64}, json.Number(""), "is not a number"},
		{fact.Field{Type: fact.Float32}, 1e39, "is not a finite number of 32 bits"},
		{fact.Field{Type: fact.Float64}, json.Number("1e400"), "is not a finite number of 64 bits"},
		{fact.Field{Type: fact.Float64}, nan(), "is not a finite number"},
		{fact.Field{Type: fact.DateTime64}, "yesterday", "is not a time: write it as"},
		{fact.Field{Type: fact.DateTime64}, "2024-02-30 00:00:00", "is not a time"},
		{fact.Field{Type: fact.DateTime64}, "1899-12-31 23:59:59.999", "is out of range"},
		{fact.Field{Type: fact.DateTime64}, "2300-01-01", "is out of range"},
		{fact.Field{Type: fact.DateTime64}, 1709209800, "is too small for milliseconds since 1970"},
		{fact.Field{Type: fact.DateTime64}, true, "bool is not a time"},
		{fact.Field{Type: fact.Date}, "2024-01-01T12:00:00Z", "has a time of day"},
		{fact.Field{Type: fact.Date}, "1969-12-31", "is out of range"},
		{fact.Field{Type: fact.Date}, 5, "int is not a time"},
		{fact.Field{Type: fact.UUID}, "61f0c404", "is not a UUID such as"},
		{fact.Field{Type: fact.UUID}, "61f0c404-5cb3-11e7-907b-a6006ad3dbag", "is not a UUID such as"},
		{fact.Field{Type: fact.Decimal, Precision: 9, Scale: 2}, "1.234", "has more than 2 digits behind the point"},
		{fact.Field{Type: fact.Decimal, Precision: 9, Scale: 2}, 10000000, "has more than 7 digits before the point"},
		{fact.Field{Type: fact.Decimal, Precision: 9, Scale: 2}, "abc", "is not a decimal number"},
		{fact.Field{Type: fact.Enum, Values: []string{"a"}}, "b", `"b" is not one of its values`},
		{fact.Field{Type: fact.StringMap}, map[string]any{"a": 1}, "value of key 'a': int is not text"},
		{fact.Field{Type: fact.StringMap}, map[int]string{1: "a"}, "is not a map with text keys"},
		{fact.Field{Type: fact.JSON}, nil, "null is not a value"},
		{fact.Field{Type: fact.JSON}, []byte("{}"), "[]byte is ambiguous"},
		{fact.Field{Type: fact.JSON}, json.RawMessage("{"), "is not valid JSON"},
		{fact.Field{Type: fact.JSON}, func() {}, "json: unsupported type"},
		{fact.Field{Type: fact.NativeJSON}, []int{1}, "[1] is not a JSON object"},
		{fact.Field{Type: fact.FieldType(99)}, "a", "unknown field type 99"},
	} {
		c.field.Name = "f"
		_, err := Literal(c.field, c.value)
		require.ErrorIs(t, err, ErrLiteral, "%v of %v", c.value, c.field.Type)
		require.ErrorContains(t, err, `field "f": `)
		require.ErrorContains(t, err, c.want)
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func TestColumnTypeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field fact.Field
		want  string
	}{
		{fact.Field{Type: fact.FieldType(-1)}, "unknown field type -1"},
		{fact.Field{Type: fact.FieldType(99)}, "unknown field type 99"},
		{fact.Field{Type: fact.String, Array: true, Nullable: true}, "an array cannot be nullable"},
		{fact.Field{Type: fact.StringMap, Array: true}, "there are no arrays of string_map"},
		{fact.Field{Type: fact.StringMap, Nullable: true}, "a string_map cannot be nullable"},
		{fact.Field{Type: fact.NativeJSON, Nullable: true}, "a native_json cannot be nullable"},
		{fact.Field{Type: fact.Decimal}, "decimal precision 0 is not in 1..38"},
		{fact.Field{Type: fact.Decimal, Precision: 39}, "decimal precision 39 is not in 1..38"},
		{fact.Field{Type: fact.Decimal, Precision: 5, Scale: 6}, "decimal scale 6 is not in 0..5"},
		{fact.Field{Type: fact.Enum}, "an enum has 1..127 values, not 0"},
		{fact.Field{Type: fact.Enum, Values: make([]string, 128)}, "an enum has 1..127 values, not 128"},
		{fact.Field{Type: fact.Enum, Values: []string{"a", "a"}}, `enum value "a" is given twice`},
		{fact.Field{Type: fact.Enum, Values: []string{"\xff"}}, "is not valid UTF-8"},
	} {
		c.field.Name = "f"
		got, err := ColumnType(c.field)
		require.ErrorIs(t, err, ErrColumnType)
		require.ErrorContains(t, err, `field "f": `)
		require.ErrorContains(t, err, c.want)
		require.Empty(t, got)
	}
}
