package block

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// rowSchema has a field of each way to be missing.
var rowSchema = fact.Schema{
	Name: "rows",
	Fields: []fact.Field{
		{Name: "s", Type: fact.String},
		{Name: "n", Type: fact.UInt32, Nullable: true},
		{Name: "d", Type: fact.Int64, Default: -5},
		{Name: "e", Type: fact.Enum, Values: []string{"x", "y"}},
		{Name: "l", Type: fact.LowCardinalityString, Nullable: true, Default: "none"},
		{Name: "a", Type: fact.Bool, Array: true},
		{Name: "ü \"q\"", Type: fact.Float64},
	},
}

// rowCase is a whole row. want holds the values of the row, or kind the error.
type rowCase struct {
	line    string
	want    string
	kind    error
	field   string // that the error names
	differs string
}

const zeroRow = `"" NULL -5 "x" "none" [] 0`

var rowCases = []rowCase{
	{line: `{}`, want: zeroRow},
	{line: " \t\r\n{ \t\r\n} \t\r\n", want: zeroRow},
	{line: `{"s":"a","n":1,"d":2,"e":"y","l":"m","a":[true,false],"ü \"q\"":0.5}`, want: `"a" 1 2 "y" "m" [true false] 0.5`},
	{line: ` { "ü \"q\"" : 0.5 , "a" : [ ] , "l" : null , "e" : "x" , "d" : 2 , "n" : null , "s" : "" } `, want: `"" NULL 2 "x" NULL [] 0.5`},
	{line: `{"\u0073":"a","\u00fc\u0020\u0022q\"":1}`, want: `"a" NULL -5 "x" "none" [] 1`},
	{line: `{"s":"a","s":"b"}`, kind: ErrDuplicateKey, field: "s"},
	{line: `{"s":"a","n":1,"\u0073":"b"}`, kind: ErrDuplicateKey, field: "s"},
	{line: `{"s":"a","n":1,"s":"b"}`, kind: ErrDuplicateKey, field: "s"},
	{line: `{"S":"a"}`, kind: ErrUnknownKey, field: "S", differs: "unknown-keys"},
	{line: `{"s":"a","zz":{"b":[1]}}`, kind: ErrUnknownKey, field: "zz", differs: "unknown-keys"},
	{line: `{"":1}`, kind: ErrUnknownKey, differs: "unknown-keys"},
	{line: `{"s":"a"} x`, kind: ErrTrailing},
	{line: `{"s":"a"}}`, kind: ErrTrailing},
	{line: `{"s":"a"}{"s":"b"}`, kind: ErrTrailing, differs: "after-the-row"},
	{line: `{"s":"a"},`, kind: ErrTrailing, differs: "after-the-row"},
	{line: `{"s":"a",}`, kind: ErrSyntax},
	{line: `{,"s":"a"}`, kind: ErrSyntax},
	{line: `{"s":"a" "n":1}`, kind: ErrSyntax},
	{line: `{"s" "a"}`, kind: ErrSyntax},
	{line: `{"s":}`, kind: ErrSyntax, field: "s"},
	{line: `{"s"}`, kind: ErrSyntax},
	{line: `{"s`, kind: ErrSyntax},
	{line: `{"s":"a"`, kind: ErrSyntax},
	{line: `{"s":"a",`, kind: ErrSyntax},
	{line: `{`, kind: ErrSyntax},
	{line: `{s:"a"}`, kind: ErrSyntax},
	{line: `{'s':"a"}`, kind: ErrSyntax},
	{line: `{"s":"a"/*c*/}`, kind: ErrSyntax},
	{line: `{"\ud800":1}`, kind: ErrUTF8},
	{line: "{\"\xff\":1}", kind: ErrUTF8, differs: "unknown-keys"},
	{line: ``, kind: ErrSyntax, differs: "empty-lines"},
	{line: `  `, kind: ErrSyntax, differs: "empty-lines"},
	{line: `[{"s":"a"}]`, kind: ErrType, differs: "array-of-rows"},
	{line: `[]`, kind: ErrType, differs: "array-of-rows"},
	{line: `"s"`, kind: ErrType},
	{line: `1`, kind: ErrType},
	{line: `null`, kind: ErrType},
	{line: `x`, kind: ErrSyntax},
	{line: "\xef\xbb\xbf{}", kind: ErrSyntax, differs: "byte-order-mark"},
	{line: "{\"s\":\"a\"}\x00", kind: ErrTrailing},
	{line: "{\u00a0}", kind: ErrSyntax},
}

func allValues(t testing.TB, b *Block) []string {
	t.Helper()
	rows := make([][]string, b.Rows())
	for i := range b.Layout().Columns() {
		for n, v := range values(t, b, i) {
			rows[n] = append(rows[n], v)
		}
	}
	out := make([]string, len(rows))
	for n := range rows {
		out[n] = strings.Join(rows[n], " ")
	}
	return out
}

func TestRows(t *testing.T) {
	t.Parallel()
	for _, c := range rowCases {
		b := newBlock(t, rowSchema, Options{})
		err := b.AppendJSON([]byte(c.line))
		if c.kind != nil {
			require.ErrorIs(t, err, c.kind, c.line)
			var fe *FieldError
			require.ErrorAs(t, err, &fe, c.line)
			require.Equal(t, c.field, fe.Field, c.line)
			continue
		}
		require.NoError(t, err, c.line)
		require.Equal(t, []string{c.want}, allValues(t, b), c.line)
	}
}

// rowVerdicts does for whole rows what oracleVerdicts does for values.
func rowVerdicts(t *testing.T, check func(name string, v verdict, msg string)) {
	t.Helper()
	db := enginetest.Database(t)
	client := dial(t, db)
	layout := mustCompile(t, rowSchema, Options{})
	for i, c := range rowCases {
		ours, theirs := fmt.Sprintf("ours%d", i), fmt.Sprintf("theirs%d", i)
		for _, name := range []string{ours, theirs} {
			db.Exec(t, "CREATE TABLE "+name+" (s String, n Nullable(UInt32), d Int64 DEFAULT -5, e Enum8('x' = 1, 'y' = 2), "+
				"l LowCardinality(Nullable(String)) DEFAULT 'none', a Array(Bool), `ü \"q\"` Float64) ENGINE = Memory")
		}
		b := layout.NewBlock()
		err := b.AppendJSON([]byte(c.line))
		if err == nil {
			require.NoError(t, send(t, client, ours, b))
		}
		_, theirErr := db.Try(t.Context(), "INSERT INTO "+theirs+" FORMAT JSONEachRow "+c.line)
		want, got := db.Query(t, "SELECT * FROM "+theirs), db.Query(t, "SELECT * FROM "+ours)
		msg := fmt.Sprintf("row %s: ours %q %v, theirs %q %v", c.line, got, err, want, theirErr)
		check(c.differs, judge(err == nil, theirErr == nil, want == got), msg)
	}
}
