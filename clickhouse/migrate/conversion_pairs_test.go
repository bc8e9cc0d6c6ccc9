package migrate_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/rebuild"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/rebuildhook"
	"github.com/factload/factload/internal/soak"
)

// pairKind is a type of a field with values as JSON. No more than three, since so many
// rows that do not fit are shown.
type pairKind struct {
	field  fact.Field
	values []string
}

// pairKinds returns all types: scalars, nullable ones, arrays of them, and objects. Floats are
// such that the type holds them exactly: another one was rounded when it was loaded. The
// second half of the values is more at the edges than the first.
func pairKinds(edges bool) []pairKind {
	scalars := []struct {
		field       fact.Field
		easy, edges []string
	}{
		{fact.Field{Type: fact.String}, []string{`""`, `"timeout"`, `"{\"a\":1}"`}, []string{`"5"`, `"true"`, `"2024-01-02 03:04:05.678"`}},
		{fact.Field{Type: fact.LowCardinalityString}, []string{`"a"`, `"1.5"`, `"2024-01-02"`}, []string{`"b"`, `"null"`, `"61f0c404-5cb3-11e7-907b-a6006ad3dba0"`}},
		{fact.Field{Type: fact.Bool}, []string{`true`, `false`, `true`}, []string{`false`, `false`, `false`}},
		{fact.Field{Type: fact.Int8}, []string{`0`, `1`, `5`}, []string{`-128`, `127`, `-1`}},
		{fact.Field{Type: fact.Int64}, []string{`0`, `7`, `-3`}, []string{`1704164645678`, `9007199254740993`, `-9223372036854775808`}},
		{fact.Field{Type: fact.UInt16}, []string{`1`, `2`, `300`}, []string{`0`, `65535`, `19724`}},
		{fact.Field{Type: fact.UInt64}, []string{`0`, `100`, `1704164645678`}, []string{`18446744073709551615`, `9007199254740993`, `253402300800000`}},
		{fact.Field{Type: fact.Float32}, []string{`0`, `1.5`, `16777216`}, []string{`0.25`, `-2.25`, `1099511627776`}},
		{fact.Field{Type: fact.Float64}, []string{`0.29`, `8.2`, `3`}, []string{`9007199254740992`, `-64.32`, `1700000000000`}},
		{fact.Field{Type: fact.Date}, []string{`"1970-01-01"`, `"2024-01-02"`, `"2149-06-06"`}, []string{`"1999-12-31"`, `"2000-02-29"`, `"2038-01-20"`}},
		{fact.Field{Type: fact.DateTime64}, []string{`"2024-01-02 00:00:00.000"`, `"2024-01-02 03:04:05.678"`, `"1970-01-01 00:00:00.000"`}, []string{`"1900-01-01 00:00:00.000"`, `"2299-12-31 23:59:59.999"`, `"1969-12-31 23:59:59.999"`}},
		{fact.Field{Type: fact.UUID}, []string{`"61f0c404-5cb3-11e7-907b-a6006ad3dba0"`, `"00000000-0000-0000-0000-000000000000"`, `"11111111-1111-1111-1111-111111111111"`}, []string{`"ffffffff-ffff-ffff-ffff-ffffffffffff"`, `"00000000-0000-0000-0000-000000000001"`, `"61f0c404-5cb3-11e7-907b-a6006ad3dba1"`}},
		{fact.Field{Type: fact.Decimal, Precision: 18, Scale: 4}, []string{`0`, `0.29`, `64.32`}, []string{`-99999999999999.9999`, `1704164645678`, `3`}},
		{fact.Field{Type: fact.Enum, Values: []string{"a", "5", "timeout", "true"}}, []string{`"a"`, `"5"`, `"timeout"`}, []string{`"true"`, `"a"`, `"5"`}},
		{fact.Field{Type: fact.JSON}, []string{`{"a":1}`, `"timeout"`, `5`}, []string{`true`, `[1,2]`, `"2024-01-02"`}},
	}
	var out []pairKind
	add := func(f fact.Field, values []string) {
		f.Name = "v"
		out = append(out, pairKind{f, values})
	}
	for _, s := range scalars {
		values := s.easy
		if edges {
			values = s.edges
		}
		plain, null, array := s.field, s.field, s.field
		null.Nullable, array.Array = true, true
		add(plain, values)
		add(null, []string{values[0], "null", values[2]})
		add(array, []string{"[]", "[" + values[0] + "]", "[" + values[1] + "," + values[2] + "]"})
	}
	if edges {
		add(fact.Field{Type: fact.StringMap}, []string{`{}`, `{"k":"5"}`, `{"it's":"\"q\""}`})
		add(fact.Field{Type: fact.NativeJSON}, []string{`{}`, `{"a":[1,2]}`, `{"a":{"b":"2024-01-02"}}`})
	} else {
		add(fact.Field{Type: fact.StringMap}, []string{`{"a":"b"}`, `{}`, `{"a":"1","b":"2"}`})
		add(fact.Field{Type: fact.NativeJSON}, []string{`{"a":1}`, `{"b":"x"}`, `{"a":true}`})
	}
	return out
}

func (k pairKind) String() string {
	name := k.field.Type.String()
	if k.field.Nullable {
		name = "nullable " + name
	}
	if k.field.Array {
		name = "array of " + name
	}
	return name
}

// pairTable is a table with the same values in several columns.
func pairTable(t *testing.T, name string, fields []fact.Field) (fact.Schema, ddl.Table) {
	t.Helper()
	s := fact.Schema{Name: name, OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt8}}}
	for i, f := range fields {
		f.Name = fmt.Sprintf("v%d", i)
		s.Fields = append(s.Fields, f)
	}
	return s, chtest.NewTable(t, s, ddl.Options{})
}

// pairs brings values of one type to others.
type pairs struct {
	db       *enginetest.DB
	migrator *migrate.Migrator
	inserter *insert.Inserter
	tally    map[string]int
}

// insertRow inserts a row of JSON values.
func (p *pairs) insertRow(t *testing.T, s fact.Schema, id int, values []string) {
	t.Helper()
	line := fmt.Sprintf(`{"id":%d`, id)
	for i, v := range values {
		line += fmt.Sprintf(`,"v%d":%s`, i, v)
	}
	require.NoError(t, p.inserter.Insert(t.Context(), insert.Insert{Table: s.Name, Block: chtest.BlockOf(t, chtest.Compile(t, s), line+"}")}))
}

// loads reports whether a load takes the value for the field.
func loads(t *testing.T, f fact.Field, value string) bool {
	t.Helper()
	f.Name = "v0"
	layout, err := block.Compile(fact.Schema{Name: "t", Fields: []fact.Field{f}}, block.Options{})
	require.NoError(t, err)
	return layout.NewBlock().AppendJSON([]byte(`{"v0":`+value+`}`)) == nil
}

// TestSoakConversionPairs converts every type to every other by a rebuild. A value becomes
// what a load of the same JSON would store. Where a load refuses the JSON, such as a number
// in a field of text, it becomes the same text or number. Or it is refused, and shown. Text
// that becomes JSON is the one exception: it is taken for JSON as it is.
func TestSoakConversionPairs(t *testing.T) {
	t.Parallel()
	seed := soak.Seed(t)
	r := rand.New(rand.NewPCG(seed, 1))
	p := &pairs{db: enginetest.Database(t), tally: make(map[string]int)}
	c := open(t, p.db.DSN)
	p.migrator, p.inserter = c.Migrator, c.Inserter
	for _, edges := range []bool{false, true} {
		kinds := pairKinds(edges)
		sources := soak.Scale(2, len(kinds))
		targets := soak.Scale(12, len(kinds))
		for _, i := range r.Perm(len(kinds))[:sources] {
			var to []pairKind
			for _, j := range r.Perm(len(kinds))[:targets] {
				if i != j {
					to = append(to, kinds[j])
				}
			}
			p.convert(t, kinds[i], to)
		}
	}
	t.Logf("of the values: %v", p.tally)
	require.NotZero(t, p.tally["as loaded"])
	require.NotZero(t, p.tally["refused"])
}

// convert brings the values of one type to all others: in one table, one column each.
func (p *pairs) convert(t *testing.T, from pairKind, to []pairKind) {
	t.Helper()
	for _, name := range []string{"t", "fresh", rebuild.NewName("t")} {
		p.db.Exec(t, "DROP TABLE IF EXISTS "+name+" SYNC")
	}
	for _, name := range strings.Fields(p.db.Query(t, "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 't_before_')")) {
		p.db.Exec(t, "DROP TABLE "+name+" SYNC")
	}
	fields := make([]fact.Field, len(to))
	for i := range to {
		fields[i] = from.field
	}
	s, table := pairTable(t, "t", fields)
	require.NoError(t, p.migrator.Ensure(t.Context(), table))
	for id, v := range from.values {
		p.insertRow(t, s, id, slices.Repeat([]string{v}, len(to)))
	}
	fits := make([][]int, len(to)) // the rows whose values fit, for each target
	for i := range to {
		fits[i] = p.fitting(t, from, to[i], i)
	}
	p.requireRefused(t, from, to, fits)

	// The rest is done at once: what does not fit is left out.
	var kept []int
	var after []fact.Field
	p.db.Exec(t, "TRUNCATE TABLE t SYNC")
	for i := range to {
		if len(fits[i]) > 0 {
			kept, after = append(kept, i), append(after, to[i].field)
		}
	}
	if len(kept) == 0 {
		return
	}
	p.db.Exec(t, "DROP TABLE t SYNC")
	s, table = pairTable(t, "t", slices.Repeat([]fact.Field{from.field}, len(kept)))
	require.NoError(t, p.migrator.Ensure(t.Context(), table))
	freshSchema, fresh := pairTable(t, "fresh", after)
	require.NoError(t, p.migrator.Ensure(t.Context(), fresh))
	for row := range from.values {
		values, loaded := make([]string, len(kept)), make([]string, len(kept))
		for k, i := range kept {
			at := fits[i][row%len(fits[i])]
			values[k] = from.values[at]
			if loaded[k] = values[k]; !loads(t, to[i].field, loaded[k]) {
				loaded[k] = to[i].values[0]
			}
		}
		p.insertRow(t, s, row, values)
		p.insertRow(t, freshSchema, row, loaded)
	}
	before := p.values(t, "t", len(kept))
	wanted := fresh
	wanted.Name = "t"
	require.NoError(t, p.migrator.EnsureAllowing(rebuildhook.With(t.Context(), rebuildhook.Hook{}), ddl.Hazards(), wanted), "%s", from)
	now, loadedRows := p.values(t, "t", len(kept)), p.values(t, "fresh", len(kept))
	for k, i := range kept {
		for row := range from.values {
			value := from.values[fits[i][row%len(fits[i])]]
			what := fmt.Sprintf("%s to %s: %s", from, to[i], value)
			switch {
			case isText(from.field) && isJSON(to[i].field):
				require.Equal(t, before[row][k], now[row][k], what)
				p.tally["text that is JSON"]++
			case isFloat32(from.field) && sameValue(t, before[row][k], now[row][k]): // its text, which may have fewer digits than what was loaded
				p.tally["the text of a float32"]++
			case loads(t, to[i].field, value):
				require.Equal(t, loadedRows[row][k], now[row][k], what)
				p.tally["as loaded"]++
			default:
				require.True(t, sameValue(t, before[row][k], now[row][k]), "%s becomes %s", what, unhex(t, now[row][k]))
				p.tally["the same value"]++
			}
		}
	}
}

func isFloat32(f fact.Field) bool { return f.Type == fact.Float32 }

// sameValue reports whether two values, as the engine prints them in hex, have the same
// text or are the same number, and so have the elements of arrays.
func sameValue(t *testing.T, before, after string) bool {
	t.Helper()
	if before == after {
		return true
	}
	a, b := strings.Split(plainText(unhex(t, before)), ","), strings.Split(plainText(unhex(t, after)), ",")
	return slices.EqualFunc(a, b, func(a, b string) bool {
		x, okX := number(a)
		y, okY := number(b)
		return a == b || okX && okY && x.Cmp(y) == 0
	})
}

// plainText returns a value without the quotes and brackets of an array.
func plainText(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		return strings.ReplaceAll(strings.TrimSuffix(inner, "]"), "'", "")
	}
	return s
}

func number(s string) (*big.Rat, bool) {
	switch s {
	case "true":
		s = "1"
	case "false":
		s = "0"
	}
	return new(big.Rat).SetString(s)
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	if s == "NULL" {
		return s
	}
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return string(b)
}

func isText(f fact.Field) bool {
	return f.Type == fact.String || f.Type == fact.LowCardinalityString || f.Type == fact.Enum
}

func isJSON(f fact.Field) bool { return f.Type == fact.JSON || f.Type == fact.NativeJSON }

// fitting returns the rows whose values go over to the other type, as the check before a
// rebuild finds them. All others are shown, with their keys.
func (p *pairs) fitting(t *testing.T, from, to pairKind, column int) []int {
	t.Helper()
	target := to.field
	target.Name = fmt.Sprintf("v%d", column)
	older, err := p.migrator.Inspect(t.Context(), "t")
	require.NoError(t, err)
	newer := *older
	wanted := chtest.NewTable(t, fact.Schema{Name: "t", Fields: []fact.Field{target}}, ddl.Options{}).Columns[0]
	newer.Columns = []ddl.Column{wanted}
	r := rebuild.CopyOf(ddl.TableName{Database: older.Database, Name: "t"}, *older, newer)
	var rows []int
	if !r.Copies[0].Checked {
		for i := range from.values {
			rows = append(rows, i)
		}
		return rows
	}
	var found struct {
		Misfits, Rows json.Number
		Values, Keys  []string
	}
	out, err := p.db.Try(t.Context(), strings.Replace(r.MisfitSQL("t", r.Copies[0], nil), "\nSETTINGS", "\nFORMAT JSONEachRow SETTINGS", 1))
	require.NoError(t, err, "%s to %s", from, to)
	require.NoError(t, json.Unmarshal([]byte(out), &found))
	require.Equal(t, found.Misfits.String(), fmt.Sprint(len(found.Keys)), "%s to %s: rows are shown", from, to)
	for i := range from.values {
		if !slices.Contains(found.Keys, fmt.Sprintf("(%d)", i)) {
			rows = append(rows, i)
		}
	}
	p.tally["refused"] += len(found.Keys)
	return rows
}

// requireRefused brings one column to a type that does not hold all of its values.
func (p *pairs) requireRefused(t *testing.T, from pairKind, to []pairKind, fits [][]int) {
	t.Helper()
	i := slices.IndexFunc(fits, func(rows []int) bool { return len(rows) < len(from.values) })
	if i < 0 {
		return
	}
	fields := slices.Repeat([]fact.Field{from.field}, len(to))
	fields[i] = to[i].field
	_, wanted := pairTable(t, "t", fields)
	err := p.migrator.EnsureAllowing(rebuildhook.With(t.Context(), rebuildhook.Hook{}), ddl.Hazards(), wanted)
	var misfit *migrate.MisfitError
	require.ErrorAs(t, err, &misfit, "%s to %s", from, to[i])
	require.EqualValues(t, len(from.values)-len(fits[i]), misfit.Misfits, "%s to %s", from, to[i])
	require.Len(t, misfit.Keys, len(from.values)-len(fits[i]))
	require.NotEmpty(t, misfit.Values)
}

// values returns what is stored in the columns, by row.
func (p *pairs) values(t *testing.T, table string, columns int) [][]string {
	t.Helper()
	list := make([]string, columns)
	for i := range list {
		list[i] = fmt.Sprintf("ifNull(hex(toString(v%d)), 'NULL')", i)
	}
	var out [][]string
	for line := range strings.Lines(p.db.Query(t, "SELECT ["+strings.Join(list, ", ")+"] AS v FROM "+table+" ORDER BY id FORMAT JSONEachRow")) {
		var row struct{ V []string }
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		out = append(out, row.V)
	}
	return out
}
