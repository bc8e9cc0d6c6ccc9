package block

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// dial connects to the engine with ch-go.
func dial(t testing.TB, db *enginetest.DB) *ch.Client {
	t.Helper()
	u, err := url.Parse(db.DSN)
	require.NoError(t, err)
	password, _ := u.User.Password()
	client, err := ch.Dial(t.Context(), ch.Options{
		Address: u.Host, Database: db.Name, User: u.User.Username(), Password: password,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// createTable creates a table for the layout.
func createTable(t testing.TB, db *enginetest.DB, name string, l *Layout) {
	t.Helper()
	var columns []string
	for _, c := range l.Columns() {
		columns = append(columns, ddl.QuoteIdent(c.Name)+" "+c.Type)
	}
	db.Exec(t, fmt.Sprintf("CREATE TABLE %s (%s) ENGINE = MergeTree ORDER BY tuple()", name, strings.Join(columns, ", ")))
}

// send inserts the block natively.
func send(t testing.TB, client *ch.Client, table string, b *Block) error {
	t.Helper()
	var names []string
	for _, c := range b.Layout().Columns() {
		names = append(names, ddl.QuoteIdent(c.Name)) // Input.Into escapes what is not ASCII
	}
	body := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES"
	var settings []ch.Setting
	for name, value := range b.Layout().Settings() {
		settings = append(settings, ch.Setting{Key: name, Value: value})
	}
	return client.Do(t.Context(), ch.Query{Body: body, Input: b.Input(), Settings: settings})
}

// numbered is a schema with a row number and the field, named x.
func numbered(f fact.Field) fact.Schema {
	f.Name = "x"
	return fact.Schema{Name: "numbered", Fields: []fact.Field{{Name: "i", Type: fact.UInt32}, f}}
}

// verdict is what factload and ClickHouse make of the same JSON.
type verdict string

const (
	same       verdict = "same"        // both store the same, or both refuse
	otherValue verdict = "other value" // both store, but not the same
	onlyHere   verdict = "only here"   // factload stores, ClickHouse refuses
	onlyThere  verdict = "only there"  // ClickHouse stores, factload refuses
)

// TestOracle puts every JSON of the value cases to the real engine's own
// JSONEachRow. Whatever both take must be stored alike. Every difference must
// be on the list in docs/values.md, and every line of that list must be there
// for a reason.
func TestOracle(t *testing.T) {
	t.Parallel()
	listed := documentedDifferences(t)
	used := make(map[string]bool)
	check := func(name string, v verdict, msg string) {
		used[name] = true
		switch {
		case v == same:
			assert.Empty(t, name, "there is no difference: %s", msg)
		case assert.NotEmpty(t, name, "%s: %s", v, msg) && assert.Contains(t, listed, name, "docs/values.md lacks the difference"):
			assert.Equal(t, listed[name], v, "docs/values.md has %s in another direction: %s", name, msg)
		}
	}
	for _, tc := range allCases {
		oracleVerdicts(t, tc, check)
	}
	rowVerdicts(t, check)
	for name := range listed {
		require.True(t, used[name], "docs/values.md: no case shows the difference %s", name)
	}
}

func oracleVerdicts(t *testing.T, tc typeCases, check func(name string, v verdict, msg string)) {
	t.Helper()
	db := enginetest.Database(t)
	layout := mustCompile(t, numbered(tc.field), Options{})
	createTable(t, db, "ours", layout)
	createTable(t, db, "theirs", layout)
	b := layout.NewBlock()
	accepted := make(map[int]bool)
	refused := make(map[int]error)
	for i, c := range tc.cases {
		if c.json == "" {
			continue
		}
		line := fmt.Sprintf(`{"i":%d,"x":%s}`, i, c.json)
		accepted[i] = b.AppendJSON([]byte(line)) == nil
		_, refused[i] = db.Try(t.Context(), "INSERT INTO theirs FORMAT JSONEachRow "+line)
	}
	require.NoError(t, send(t, dial(t, db), "ours", b), tc.name)
	ours, theirs := storedValues(t, db, "ours"), storedValues(t, db, "theirs")
	for i, c := range tc.cases {
		if c.json == "" {
			continue
		}
		msg := fmt.Sprintf("%s: %s: ours %q, theirs %q, error %v", tc.name, cut(c.json), cut(ours[i]), cut(theirs[i]), refused[i])
		check(c.differs, judge(accepted[i], refused[i] == nil, ours[i] == theirs[i]), msg)
	}
}

func judge(here, there, equal bool) verdict {
	switch {
	case here && there && equal, !here && !there:
		return same
	case here && there:
		return otherValue
	case here:
		return onlyHere
	}
	return onlyThere
}

// storedValues returns the values of a table of numbered rows. A row that the engine
// has taken but cannot read, such as null in an enum, has none.
func storedValues(t *testing.T, db *enginetest.DB, table string) map[int]string {
	t.Helper()
	out := make(map[int]string)
	read := func(rows string) error {
		answer, err := db.Try(t.Context(), "SELECT i, x FROM "+table+" WHERE "+rows+" FORMAT TSV")
		if err != nil || answer == "" {
			return err
		}
		for _, line := range strings.Split(answer, "\n") {
			n, value, _ := strings.Cut(line, "\t")
			i, err := strconv.Atoi(n)
			require.NoError(t, err)
			out[i] = value
		}
		return nil
	}
	if read("true") == nil {
		return out
	}
	for _, n := range strings.Fields(db.Query(t, "SELECT i FROM "+table+" FORMAT TSV")) {
		_ = read("i = " + n)
	}
	return out
}

// TestSoakLargeDictionary inserts dictionaries with keys of every width.
func TestSoakLargeDictionary(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	client := dial(t, db)
	layout := mustCompile(t, fact.Schema{Name: "s", Fields: []fact.Field{
		{Name: "i", Type: fact.UInt32},
		{Name: "x", Type: fact.LowCardinalityString},
		{Name: "n", Type: fact.LowCardinalityString, Nullable: true},
		{Name: "a", Type: fact.LowCardinalityString, Array: true},
	}}, Options{})
	sizes := []int{1, 254, 255, 256, 257, 65537}
	if soak.Scale(0, 1) == 1 {
		sizes = append(sizes, 65534, 65535, 65536)
	}
	for _, n := range sizes {
		b := layout.NewBlock()
		for i := range n {
			line := fmt.Sprintf(`{"i":%d,"x":"v%d","n":"v%d","a":["v%d","v0"]}`, i, i, i, i)
			require.NoError(t, b.AppendJSON([]byte(line)))
		}
		require.NoError(t, b.AppendJSON([]byte(`{"i":999999}`)))
		table := fmt.Sprintf("t%d", n)
		createTable(t, db, table, layout)
		require.NoError(t, send(t, client, table, b))
		wrong := db.Query(t, "SELECT count() FROM "+table+" WHERE i != 999999 AND "+
			"(x != concat('v', toString(i)) OR n IS NULL OR n != x OR a != [x, 'v0'])")
		require.Equal(t, "0", wrong, n)
		require.Equal(t, "1", db.Query(t, "SELECT count() FROM "+table+" WHERE i = 999999 AND x = '' AND n IS NULL AND a = []"))
		require.Equal(t, fmt.Sprint(n+1), db.Query(t, "SELECT count() FROM "+table))
	}
}
