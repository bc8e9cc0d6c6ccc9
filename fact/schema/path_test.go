package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact/schema"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	key := func(k string) schema.Step { return schema.Step{Key: k} }
	element := func(i int) schema.Step { return schema.Step{Index: i, InArray: true} }
	for text, want := range map[string]schema.Path{
		"a":                       {key("a")},
		"a.b c.ü":                 {key("a"), key("b c"), key("ü")},
		"choices.0.message.10":    {key("choices"), element(0), key("message"), element(10)},
		`"a.b".c`:                 {key("a.b"), key("c")},
		`a."0"."x\"y\\z"."".NULL`: {key("a"), key("0"), key(`x"y\z`), key(""), key("NULL")},
		`""`:                      {key("")},
		`"1"`:                     {key("1")},
		`a.-1.0x.1e3`:             {key("a"), key("-1"), key("0x"), key("1e3")},
		`a."\u0000\n"`:            {key("a"), key("\x00\n")},
		`a."*".*b`:                {key("a"), key("*"), key("*b")},
	} {
		got, err := schema.ParsePath(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Equal(t, text, got.String())
	}
	quoted, err := schema.ParsePath(`"a"."b"`)
	require.NoError(t, err)
	require.Equal(t, "a.b", quoted.String(), "no more quotes than needed")
}

func TestParseRowsPath(t *testing.T) {
	t.Parallel()
	each := schema.Step{InArray: true, Each: true}
	for text, want := range map[string]schema.Path{
		"a.*.b":   {{Key: "a"}, each, {Key: "b"}},
		"*.0":     {each, {InArray: true}},
		"2.a":     {{InArray: true, Index: 2}, {Key: "a"}},
		`"*".*.*`: {{Key: "*"}, each, each},
	} {
		got, err := schema.ParseRowsPath(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Equal(t, text, got.String())
	}
}

func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "a key is empty",
		".a":                       "a key is empty",
		"a.":                       "a key is empty",
		"a..b":                     "a key is empty",
		"0":                        "a row is an object",
		"a.*.b":                    `put a key * in quotes, "*"`,
		"*":                        `put a key * in quotes, "*"`,
		"a.01":                     "is not the number of an element",
		"a.1000001":                "is not the number of an element",
		`a"b`:                      "has a quote in it",
		`"a`:                       "is not a key in quotes",
		`"a\x"`:                    "is not a key in quotes",
		`"a"b`:                     "a dot has to follow the quotes",
		"\xff":                     "not valid UTF-8",
		"\"\xff\"":                 "not valid UTF-8",
		strings.Repeat("a.", 101):  "more than 100 steps",
		"a.99999999999999999999.b": "is not the number of an element",
	} {
		_, err := schema.ParsePath(text)
		require.ErrorContains(t, err, want, text)
	}
}

// FuzzParsePath checks that what is read and written is read alike again.
func FuzzParsePath(f *testing.F) {
	for _, text := range []string{"a.b", `"a.b".0."1"`, `a."\ud83d\ude00\n"`, "a..b", `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := schema.ParsePath(text)
		if err != nil {
			return
		}
		again, err := schema.ParsePath(path.String())
		require.NoError(t, err)
		require.Equal(t, path, again)
	})
}
