package ddl_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

func TestHostileTableNames(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, name := range ddltest.HostileNames {
		hostileTable(t, db, name)
	}
}

// hostileTable gives a name to a table and to all that is in it, changes the
// table and reads everything back.
func hostileTable(t *testing.T, db *enginetest.DB, name string) {
	t.Helper()
	s := fact.Schema{Name: name, OrderBy: []string{name}, Fields: []fact.Field{
		{Name: name, Type: fact.String, Default: name, Comment: name},
		{Name: "e", Type: fact.Enum, Values: []string{"other", name}, Default: name},
		{Name: "m", Type: fact.StringMap, Default: map[string]string{name: name}},
		{Name: "l", Type: fact.LowCardinalityString, Array: true, Default: []string{name}},
		{Name: "j", Type: fact.JSON, Default: map[string]any{name: name}},
	}}
	o := ddl.Options{
		Comment: name, PartitionBy: "cityHash64(" + ddl.QuoteIdent(name) + ")", TTL: "toDate('2100-01-01') + toIntervalDay(length(" + ddl.QuoteIdent(name) + ")) WHERE " + ddl.QuoteIdent(name) + " = " + ddl.QuoteString(name),
		Indexes:     []ddl.Index{{Name: name, Expr: ddl.QuoteIdent(name), Type: "bloom_filter(0.01)"}},
		Projections: []ddl.Projection{{Name: strings.ReplaceAll(name, "/", "_"), Select: "SELECT e, " + ddl.QuoteIdent(name) + " != " + ddl.QuoteString(name) + " AS " + ddl.QuoteIdent(name+"2") + " ORDER BY e"}},
	}
	want := ddltest.NewTable(t, s, o)
	ddltest.Apply(t, db, want)
	table := ddl.QuoteIdent(name)
	ddltest.Reload(t, db, name)
	ddltest.RequireSame(t, db, want)
	db.Exec(t, "INSERT INTO "+table+" (e) VALUES ('other')")
	hex := fmt.Sprintf("%X", name)
	require.Equal(t, "other\t"+hex+"\t"+hex+"\t"+hex, db.Query(t, "SELECT e, hex("+table+"), hex(m["+ddl.QuoteString(name)+"]), hex(l[1]) FROM "+table+" FORMAT TSV"))

	s.Fields = append(s.Fields, fact.Field{Name: name + "3" + name, Type: fact.String, Comment: name})
	want = ddltest.NewTable(t, s, o)
	ddltest.Apply(t, db, want)
	ddltest.RequireSame(t, db, want)
	db.Exec(t, "DROP TABLE "+table+" SYNC")
}

// TestKeywordsAsNames sorts, partitions and indexes a table by columns that are
// called like the server's keywords.
func TestKeywordsAsNames(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "keywords"}
	words := db.Query(t, `SELECT DISTINCT arrayJoin(arrayFlatten([[w, lower(w)]])) FROM (
		SELECT arrayJoin(splitByChar(' ', keyword)) AS w FROM system.keywords) WHERE w != '' FORMAT TSVRaw`)
	var key []string
	for _, word := range strings.Split(words, "\n") {
		if !ddl.IsConstantWord(word) {
			s.Fields = append(s.Fields, fact.Field{Name: word, Type: fact.String})
			s.OrderBy = append(s.OrderBy, word)
			key = append(key, ddl.QuoteIdent(word))
		}
	}
	require.Greater(t, len(key), 500)
	list := strings.Join(key, ", ")
	want := ddltest.NewTable(t, s, ddl.Options{PartitionBy: "cityHash64(" + list + ")", Indexes: []ddl.Index{{Name: "i", Expr: "concat(" + list + ")", Type: "minmax"}}})
	ddltest.Apply(t, db, want)
	ddltest.Reload(t, db, "keywords")
	ddltest.RequireSame(t, db, want)
}

// TestConstantWords asks the engine whether the words that are refused still
// need to be.
func TestConstantWords(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, word := range ddl.ConstantWords {
		for _, name := range []string{word, strings.ToUpper(word)} {
			_, err := ddl.NewTable(fact.Schema{Name: "t", Fields: []fact.Field{{Name: name, Type: fact.String}}}, ddl.Options{})
			require.ErrorContains(t, err, fmt.Sprintf("column name %q: is read as a constant", name))
		}
		db.Exec(t, "CREATE TABLE "+ddl.QuoteIdent(word)+" ("+ddl.QuoteIdent(word)+" String) ENGINE = MergeTree ORDER BY "+ddl.QuoteIdent(word))
		db.Exec(t, "DETACH TABLE "+ddl.QuoteIdent(word))
		_, err := db.Try(t.Context(), "ATTACH TABLE "+ddl.QuoteIdent(word))
		require.Error(t, err, word)
	}
}

func TestHostileColumnNames(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := fact.Schema{Name: "columns"}
	for _, name := range ddltest.HostileNames {
		if slices.ContainsFunc(ddltest.HostileNames, func(whole string) bool { return strings.HasPrefix(name, whole+".") }) {
			continue // no table can hold both
		}
		s.OrderBy = append(s.OrderBy, name)
		s.Fields = append(s.Fields, fact.Field{Name: name, Type: fact.String, Default: name, Comment: name})
	}
	want := ddltest.NewTable(t, s, ddl.Options{})
	ddltest.Apply(t, db, want)
	ddltest.Reload(t, db, want.Name)
	ddltest.RequireSame(t, db, want)
}

// TestRandomNames makes tables of random names from the characters that matter
// to a SQL lexer. A failure prints the seed, which reproduces it.
func TestRandomNames(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	const seed, tables, columns = 20240229, 12, 150
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range tables {
		name := randomName(rnd)
		t.Logf("seed %d, table %d: %q", seed, i, name)
		hostileTable(t, db, name)
	}
	s := fact.Schema{Name: "random"}
	seen := map[string]bool{}
	for len(s.Fields) < columns {
		name := randomName(rnd)
		if whole, _, dotted := strings.Cut(name, "."); dotted && whole != "" {
			continue // no table can hold it beside the field before the dot
		}
		if !seen[name] {
			seen[name] = true
			s.Fields = append(s.Fields, fact.Field{Name: name, Type: fact.String, Default: name, Comment: name})
			s.OrderBy = append(s.OrderBy, name)
		}
	}
	want := ddltest.NewTable(t, s, ddl.Options{})
	ddltest.Apply(t, db, want)
	ddltest.Reload(t, db, want.Name)
	ddltest.RequireSame(t, db, want)
}

func randomName(rnd *rand.Rand) string {
	alphabet := []string{"`", "\\", "'", `"`, "\n", "\t", "\x01", "\x7f", "-", "/", "*", ";", "(", ")", "{", "}", ",", ".", "$", " ", "a", "x", "0", "n", "N", "é", "😀", "\u2028", "‘"}
	var b strings.Builder
	for range 1 + rnd.IntN(14) {
		b.WriteString(alphabet[rnd.IntN(len(alphabet))])
	}
	return b.String()
}

func TestRefusedNames(t *testing.T) {
	t.Parallel()
	text := fact.Field{Name: "a", Type: fact.String}
	for _, c := range []struct {
		name    string
		schema  fact.Schema
		options ddl.Options
		want    string
	}{
		{"empty table", fact.Schema{Fields: []fact.Field{text}}, ddl.Options{}, `table name "": is empty`},
		{"invalid UTF-8 in a table", fact.Schema{Name: "a\xff", Fields: []fact.Field{text}}, ddl.Options{}, `table name "a\xff": is not valid UTF-8`},
		{"NUL in a table", fact.Schema{Name: "a\x00", Fields: []fact.Field{text}}, ddl.Options{}, `table name "a\x00": holds a NUL character`},
		{"long table", fact.Schema{Name: strings.Repeat("a", 213), Fields: []fact.Field{text}}, ddl.Options{}, "is too long: it takes 213 bytes of a file name, of which the server has 212"},
		{"long escaped table", fact.Schema{Name: strings.Repeat("-", 71), Fields: []fact.Field{text}}, ddl.Options{}, "is too long: it takes 213 bytes"},
		{"invalid UTF-8 in a column", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "\xff", Type: fact.String}}}, ddl.Options{}, `is not valid UTF-8`},
		{"NUL in a column", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "\x00", Type: fact.String}}}, ddl.Options{}, `NUL`},
		{"reserved column", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "_row_exists", Type: fact.UInt8}}}, ddl.Options{}, `column name "_row_exists": is reserved by ClickHouse: choose another`},
		{"part of a map", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "m", Type: fact.StringMap}, {Name: "m.keys", Type: fact.String}}}, ddl.Options{}, `column name "m.keys": is taken by ClickHouse for a part of the field "m"`},
		{"part of a text", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "message.level", Type: fact.String}, {Name: "message", Type: fact.String}}}, ddl.Options{}, `column name "message.level": is taken by ClickHouse for a part of the field "message"`},
		{"array in a text", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "error", Type: fact.String}, {Name: "error.stack", Type: fact.String, Array: true}}}, ddl.Options{}, `column name "error.stack": is taken by ClickHouse for a part of the field "error"`},
		{"deep part", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a.b", Type: fact.String}, {Name: "a.b.c", Type: fact.String}}}, ddl.Options{}, `column name "a.b.c": is taken by ClickHouse for a part of the field "a.b"`},
		{"projection in a directory", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String}}}, ddl.Options{Projections: []ddl.Projection{{Name: "../x", Select: "SELECT a ORDER BY a"}}}, `projection name "../x": holds a slash`},
		{"array called null", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "z.null", Type: fact.String, Array: true}}}, ddl.Options{}, `column name "z.null": cannot name an array`},
		{"nested arrays", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "n.a", Type: fact.String, Array: true}, {Name: "n.b", Type: fact.UInt8, Array: true}}}, ddl.Options{}, `column name "n.b": makes one nested structure with the array "n.a"`},
		{"invalid enum value", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "e", Type: fact.Enum, Values: []string{"\xff"}}}}, ddl.Options{}, `is not valid UTF-8`},
		{"invalid column comment", fact.Schema{Name: "t", Fields: []fact.Field{{Name: "a", Type: fact.String, Comment: "\xff"}}}, ddl.Options{}, `field "a": comment is not valid UTF-8`},
		{"invalid comment", fact.Schema{Name: "t", Fields: []fact.Field{text}}, ddl.Options{Comment: "\x00"}, `table option comment: holds a NUL character`},
		{"empty index", fact.Schema{Name: "t", Fields: []fact.Field{text}}, ddl.Options{Indexes: []ddl.Index{{Expr: "a", Type: "minmax"}}}, `index name "": is empty`},
		{"invalid index", fact.Schema{Name: "t", Fields: []fact.Field{text}}, ddl.Options{Indexes: []ddl.Index{{Name: "\xff", Expr: "a", Type: "minmax"}}}, `index name "\xff": is not valid UTF-8`},
		{"empty projection", fact.Schema{Name: "t", Fields: []fact.Field{text}}, ddl.Options{Projections: []ddl.Projection{{Select: "SELECT a ORDER BY a"}}}, `projection name "": is empty`},
		{"invalid projection", fact.Schema{Name: "t", Fields: []fact.Field{text}}, ddl.Options{Projections: []ddl.Projection{{Name: "\x00", Select: "SELECT a ORDER BY a"}}}, `projection name "\x00": holds a NUL character`},
		{"invalid cluster", fact.Schema{Name: "t", Fields: []fact.Field{text}}, ddl.Options{Cluster: "\xff"}, `cluster name "\xff": is not valid UTF-8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ddl.NewTable(c.schema, c.options)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\xff")
			require.NotContains(t, err.Error(), "\x00")
		})
	}
}

// TestReservedColumns asks the engine whether the list is still right.
func TestReservedColumns(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, name := range ddl.ReservedColumns {
		_, err := db.Try(t.Context(), "CREATE TABLE reserved ("+ddl.QuoteIdent(name)+" UInt8) ENGINE = MergeTree ORDER BY tuple()")
		require.ErrorContains(t, err, "reserved", name)
	}
}

func TestLongestNames(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	room := 213 - len(db.Name)
	for _, name := range []string{strings.Repeat("a", room), strings.Repeat("-", room/3), strings.Repeat("é", room/6)} {
		long := strings.Repeat(name, 10)
		want := ddltest.NewTable(t, fact.Schema{Name: name, Fields: []fact.Field{{Name: long, Type: fact.String}}}, ddl.Options{
			Indexes: []ddl.Index{{Name: long, Expr: ddl.QuoteIdent(long), Type: "minmax"}},
		})
		ddltest.Apply(t, db, want)
		ddltest.RequireSame(t, db, want)
		db.Exec(t, "INSERT INTO "+ddl.QuoteIdent(name)+" VALUES ('x')")
		require.Equal(t, "x", db.Query(t, "SELECT * FROM "+ddl.QuoteIdent(name)))
		db.Exec(t, "DROP TABLE "+ddl.QuoteIdent(name)+" SYNC")
	}
}
