package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/schemas"
)

type selectedBase struct {
	ID string `fact:"id,fact_id"`
	N  int32
}

type (
	ownWord string
	note    struct{ A, B any }
)

// selected has a field of each type, and of the Go types that may hold it.
type selected struct {
	selectedBase
	Text     string `fact:"text,from=a.\"b.c\".text"`
	Word     ownWord
	Model    string `fact:"model,low_cardinality,nullable,omitzero"`
	OK       bool
	I8       int8
	I16      int16
	I64      int64
	U8       uint8
	U16      uint16
	U32      int `fact:"u32,uint32,quoted"`
	U64      uint64
	F32      float32
	F64      float64
	Wide     float32         `fact:"wide,float64"`
	Whole    int             `fact:"whole,float64"`
	Price    json.Number     `fact:"price,decimal,precision=38,scale=10,from=a.price"`
	Cost     string          `fact:"cost,decimal,precision=18,scale=6"`
	Rate     float64         `fact:"rate,decimal,precision=30,scale=12"`
	Cents    int64           `fact:"cents,decimal,precision=20,scale=2"`
	Exact    decimal.Decimal `fact:"exact,decimal,precision=30,scale=5"`
	Big      *big.Int        `fact:"big,decimal,precision=38,scale=0"`
	State    string          `fact:"state,enum,values=open|closed|é's"`
	Day      time.Time       `fact:"day,date"`
	DayText  string          `fact:"day_text,date"`
	At       time.Time
	Nano     time.Time `fact:"nano,datetime64,precision=9"`
	Started  int64     `fact:"started,datetime64,unit=ns,precision=9"`
	Seconds  uint32    `fact:"seconds,datetime64,unit=s"`
	AtText   string    `fact:"at_text,datetime64,precision=6"`
	Took     time.Duration
	Key      [16]byte
	Trace    uuid.UUID
	TraceStr string       `fact:"trace_str,uuid"`
	Score    *float64     `fact:"score,nan=null"`
	Reply    *string      `fact:"reply"`
	Seen     *time.Time   `fact:"seen"`
	Parent   *uuid.UUID   `fact:"parent"`
	Paid     *json.Number `fact:"paid,decimal,precision=12,scale=3"`
	Tags     []string     `fact:"tags,low_cardinality"`
	Numbers  []int        `fact:"numbers,int16"`
	Three    [3]float32
	Times    []time.Time   `fact:"times"`
	Days     []time.Time   `fact:"days,date"`
	Keys     [][16]byte    `fact:"keys"`
	Prices   []json.Number `fact:"prices,decimal,precision=18,scale=4"`
	Labels   map[string]string
	Raw      json.RawMessage `fact:"raw,from=a.raw"`
	MaybeRaw *json.RawMessage
	HeldJSON string            `fact:"held_json,json"`
	Any      any               `fact:"any,json"`
	Notes    []note            `fact:"notes,json"`
	Parts    []json.RawMessage `fact:"parts"`
	Native   map[string]any    `fact:"native,native_json"`
}

func selectedSchema(t testing.TB) fact.Schema {
	t.Helper()
	schema, err := schemas.FromStruct(selected{}, schemas.StructOptions{OrderBy: []string{"n"}})
	require.NoError(t, err)
	return schema
}

// randomSelected returns a value that can be told from what comes back, if that is
// not the same.
func randomSelected(r *rand.Rand, n int32) *selected {
	text := func() string {
		pool := []rune(`aé"\'/ ` + "\n\t\u2028😀`")
		out := make([]rune, r.IntN(8))
		for i := range out {
			out[i] = pool[r.IntN(len(pool))]
		}
		return string(out)
	}
	id := func() (u uuid.UUID) {
		for i := range u {
			u[i] = byte(r.Uint32())
		}
		return u
	}
	at := func(unit time.Duration) time.Time {
		return time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC().Truncate(unit)
	}
	day := func() time.Time { return at(time.Nanosecond).Truncate(24 * time.Hour) }
	sign := int64(1 - 2*r.IntN(2))
	number := json.Number(fmt.Sprintf("%d.%d", sign*r.Int64(), 1+r.IntN(9)))
	s := &selected{
		selectedBase: selectedBase{ID: fmt.Sprint("id-", n), N: n},
		Text:         text(), Word: ownWord(text()), Model: []string{"", "small", "large"}[r.IntN(3)], OK: r.IntN(2) == 0,
		I8: int8(r.Uint32()), I16: int16(r.Uint32()), I64: int64(r.Uint64()), U8: uint8(r.Uint32()), U16: uint16(r.Uint32()),
		U32: int(r.Uint32()), U64: r.Uint64(), F32: math.Float32frombits(r.Uint32() &^ (1 << 30)), F64: r.NormFloat64() * 1e200,
		Wide: r.Float32(), Whole: r.IntN(1 << 53), Price: number, Cost: fmt.Sprintf("-%d.%d", r.Int64N(1e12), 1+r.IntN(9)),
		Rate: float64(r.IntN(1e9)) / 1e6, Cents: sign * r.Int64N(1e15), Exact: decimal.New(r.Int64(), -5),
		State: []string{"open", "closed", "é's"}[r.IntN(3)],
		Day:   day(), DayText: day().Format(time.DateOnly), At: at(time.Millisecond), Nano: at(time.Nanosecond),
		Started: at(time.Nanosecond).UnixNano(), Seconds: uint32(r.Int64N(4e9)), AtText: at(time.Microsecond).Format(time.RFC3339Nano),
		Took: time.Duration(r.Int64()), Key: id(), Trace: id(), TraceStr: id().String(),
		Tags: []string{}, Numbers: []int{}, Three: [3]float32{r.Float32(), -1, 0}, Times: []time.Time{}, Days: []time.Time{},
		Keys: [][16]byte{}, Prices: []json.Number{}, Labels: map[string]string{}, Notes: []note{}, Parts: []json.RawMessage{},
		Raw: json.RawMessage(`{"b": 1.50, "a":[1e400, 12345678901234567890]}`), HeldJSON: "[1,\n 2.0]",
		Any: []any{json.Number("12345678901234567890"), text(), nil, true}, Native: map[string]any{"a": text() + "."},
	}
	s.Big, _ = new(big.Int).SetString(fmt.Sprintf("%d%d", sign*(1+r.Int64N(1e18)), 1e18+r.Int64N(1e18)), 10)
	for range r.IntN(3) {
		s.Tags, s.Numbers, s.Times = append(s.Tags, text()), append(s.Numbers, int(int16(r.Uint32()))), append(s.Times, at(time.Millisecond))
		s.Days, s.Keys = append(s.Days, day()), append(s.Keys, id())
		s.Prices = append(s.Prices, json.Number(fmt.Sprintf("%d.%d", r.Int64N(1e12), 1+r.IntN(9))))
		s.Labels[text()] = text()
		s.Notes = append(s.Notes, note{A: text(), B: json.Number("1.50")})
		s.Parts = append(s.Parts, json.RawMessage(`{"x" :1}`))
	}
	if r.IntN(2) == 0 {
		v, reply, seen, parent, paid, raw := r.Float64(), text(), at(time.Millisecond), id(), json.Number("-1.125"), json.RawMessage(`"nu\u006cl"`)
		s.Score, s.Reply, s.Seen, s.Parent, s.Paid, s.MaybeRaw = &v, &reply, &seen, &parent, &paid, &raw
	}
	return s
}

// TestSelect: what structs were recorded from comes back, value by value.
func TestSelect(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		schema := selectedSchema(t)
		p := fact.NewPipeline(fact.WithMaterializer(m))
		require.NoError(t, p.EnsureSchemas(t.Context(), schema))
		const rows = 300
		r := rand.New(rand.NewPCG(1, 2))
		var facts []fact.Fact
		var want []selected
		for n := range int32(rows) {
			row := randomSelected(r, n)
			facts, want = append(facts, fact.Of(row)), append(want, *row)
		}
		require.NoError(t, p.Record(t.Context(), facts...))
		for _, client := range []*Client{open(t, db.DSN), open(t, db.HTTPDSN)} {
			var got []selected
			for row, err := range Select[selected](t.Context(), client, schema, "WHERE n < {n:Int32} ORDER BY n", Param("n", 1000)) {
				require.NoError(t, err)
				got = append(got, row)
			}
			require.Len(t, got, rows)
			for i := range got {
				require.Equal(t, want[i].Big.String(), got[i].Big.String())
				require.True(t, want[i].Exact.Equal(got[i].Exact), "%s %s", want[i].Exact, got[i].Exact)
				got[i].Big, got[i].Exact = want[i].Big, want[i].Exact // which have more than one form
				require.Equal(t, want[i], got[i])
			}
		}
	})
}

// selectFixture has a table with two rows, one of which has a NULL.
func selectFixture(t *testing.T) (*Client, fact.Schema) {
	t.Helper()
	db := enginetest.Database(t)
	schema := fact.Schema{Name: "answer", OrderBy: []string{"n"}, Fields: []fact.Field{
		{Name: "n", Type: fact.UInt32},
		{Name: "note", Type: fact.String, Nullable: true},
		{Name: "price", Type: fact.Decimal, Precision: 20, Scale: 4},
		{Name: "data", Type: fact.JSON},
	}}
	client := open(t, db.DSN)
	m := materializer(t, Config{Client: client})
	require.NoError(t, m.EnsureSchema(t.Context(), schema))
	require.NoError(t, m.Materialize(t.Context(),
		fact.Fact{Schema: "answer", Data: map[string]any{"n": 1, "note": "it's", "price": json.Number("1.25"), "data": map[string]any{"a": 1}}},
		fact.Fact{Schema: "answer", Data: map[string]any{"n": 70_000, "price": json.Number("3"), "data": json.RawMessage(`[]`)}}))
	return client, schema
}

func collect[T any](t *testing.T, client *Client, schema fact.Schema, clauses string, params ...any) (got []T, err error) {
	t.Helper()
	for row, err := range Select[T](t.Context(), client, schema, clauses, params...) {
		if err != nil {
			return got, err
		}
		got = append(got, row)
	}
	return got, nil
}

func TestSelectSomeFields(t *testing.T) {
	t.Parallel()
	client, schema := selectFixture(t)
	type numbers struct {
		N     uint64
		Price float32
		Data  any
	}
	got, err := collect[numbers](t, client, schema, "ORDER BY n")
	require.NoError(t, err)
	require.Equal(t, []numbers{{1, 1.25, map[string]any{"a": json.Number("1")}}, {70_000, 3, []any{}}}, got)

	type byNote struct{ Note string }
	hostile := "it's"
	notes, err := collect[byNote](t, client, schema, "WHERE note = {note:String} AND price > {p:Decimal(20,4)}", Param("note", hostile), Param("p", "1.2"))
	require.NoError(t, err, "the column is compared as the decimal that it is")
	require.Equal(t, []byNote{{hostile}}, notes)

	type zero struct {
		Note string `fact:"note,omitzero"`
	}
	zeros, err := collect[zero](t, client, schema, "ORDER BY n DESC LIMIT 1")
	require.NoError(t, err)
	require.Equal(t, []zero{{}}, zeros)
}

// TestSelectRefuses: what a struct cannot hold as it is stops the loop.
func TestSelectRefuses(t *testing.T) {
	t.Parallel()
	client, schema := selectFixture(t)
	refused := func(err error, isSchema bool, want string) {
		t.Helper()
		require.ErrorContains(t, err, want)
		require.Equal(t, isSchema, isSchemaError(err), err)
	}
	type small struct{ N uint16 }
	got, err := collect[small](t, client, schema, "ORDER BY n")
	refused(err, false, `select from table "answer": column "n": 70000 does not fit into uint16`)
	require.Equal(t, []small{{1}}, got)
	type plain struct{ Note string }
	_, err = collect[plain](t, client, schema, "")
	refused(err, false, `column "note": is NULL: make the struct's field a pointer`)
	type whole struct{ Price int }
	_, err = collect[whole](t, client, schema, "")
	refused(err, false, `column "price": 1.25 does not fit into int`)
	type other struct{ Missing string }
	_, err = collect[other](t, client, schema, "")
	refused(err, true, `field Missing: the schema "answer" has no field "missing"`)
	type wrong struct{ N string }
	_, err = collect[wrong](t, client, schema, "")
	refused(err, true, `field N: a field of type uint32 cannot hold the Go type string`)
	type writer struct {
		Note *upper `fact:"note"`
	}
	_, err = collect[writer](t, client, schema, "")
	refused(err, true, `clickhouse.upper writes JSON of its own, and reads none`)
	_, err = collect[int](t, client, schema, "")
	refused(err, true, "struct int: want a struct")

	other2 := schema
	other2.Fields = slices.Clone(schema.Fields)
	other2.Fields[0].Type = fact.DateTime64
	type at struct{ N time.Time }
	_, err = collect[at](t, client, other2, "")
	refused(err, true, `field N: column "n" is UInt32 in the table, and DateTime64(3, 'UTC') in the schema`)
	other2.Name = "nothing"
	_, err = collect[at](t, client, other2, "")
	refused(err, true, `select from table "nothing": there is no such table`)
	_, err = collect[small](t, client, schema, "WHERE nonsense")
	require.ErrorContains(t, err, "nonsense")
}

// The example in the documentation is the one that is compiled and run.
func TestSelectIsDocumented(t *testing.T) {
	t.Parallel()
	const file = "example_select_test.go"
	code, err := os.ReadFile(file)
	require.NoError(t, err)
	page, err := os.ReadFile("../docs/recording.md")
	require.NoError(t, err)
	_, block, _ := strings.Cut(string(page), "<!-- test: in clickhouse/"+file+" -->\n```go\n")
	block, _, found := strings.Cut(block, "```\n")
	require.True(t, found)
	require.Contains(t, string(code), block)
}

func isSchemaError(err error) bool { return errors.Is(err, ErrSchema) }

type upper string

func (u upper) MarshalText() ([]byte, error) { return []byte(u), nil }

// TestSelectEnds: breaking off, and a context that ends, give the connection back.
func TestSelectEnds(t *testing.T) {
	t.Parallel()
	client, schema := selectFixture(t)
	require.NoError(t, client.Exec(t.Context(), "INSERT INTO answer (n, price, data) SELECT number, 1, '1' FROM numbers(500000)"))
	type number struct{ N uint32 }
	for range 40 { // more than there are connections
		for _, err := range Select[number](t.Context(), client, schema, "") {
			require.NoError(t, err)
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows := 0
	var last error
	for _, err := range Select[number](ctx, client, schema, "") {
		if rows++; rows == 10 {
			cancel()
		}
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
	all, err := collect[number](t, client, schema, "")
	require.NoError(t, err)
	require.Len(t, all, 500_002)
}
