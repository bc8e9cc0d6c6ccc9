package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// eachProtocol runs a test with a Materializer over the native protocol and
// with one over HTTP.
func eachProtocol(t *testing.T, test func(t *testing.T, db *enginetest.DB, m *Materializer)) {
	t.Helper()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		test(t, db, materializer(t, Config{Client: open(t, dsn)}))
	})
}

func materializer(t testing.TB, cfg Config) *Materializer {
	t.Helper()
	m, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	return m
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	c := open(t, "clickhouse://h/db")
	for want, cfg := range map[string]Config{
		"a DSN or a Client is needed":                                   {},
		"give either a DSN or a Client":                                 {DSN: "clickhouse://h", Client: c},
		"InsertTimeout is -1s, want zero or more":                       {Client: c, InsertTimeout: -time.Second},
		"MaxPendingBytes is -1, want zero or more":                      {Client: c, MaxPendingBytes: -1},
		"MaxBlockRows is -1, want zero or more":                         {Client: c, MaxBlockRows: -1},
		"MaxBlockBytes is -1, want zero or more":                        {Client: c, MaxBlockBytes: -1},
		"Mode is 2, which does not exist":                               {Client: c, Mode: 2},
		`CollectInto is "x", but UnknownKeys is not CollectUnknown`:     {Client: c, CollectInto: "x"},
		"UnknownKeys is CollectUnknown, but CollectInto names no field": {Client: c, UnknownKeys: block.CollectUnknown},
		"UnknownKeys is 9, which does not exist":                        {Client: c, UnknownKeys: 9},
		"materializer config: clickhouse: dsn: does not begin with":     {DSN: "S3CR3T:S3CR3T@h"},
	} {
		_, err := New(cfg)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "materializer config: ")
		require.NotContains(t, err.Error(), "S3CR3T")
	}
	m, err := New(Config{Client: c, OnFailure: func(Failure) { t.Error("called in acknowledged mode") }})
	require.NoError(t, err, "OnFailure may be set in any mode")
	require.NoError(t, m.Close(t.Context()))
	_, err = New(Config{InsertTimeout: -1, UnknownKeys: 9})
	require.ErrorContains(t, err, "InsertTimeout")
	require.ErrorContains(t, err, "UnknownKeys")
}

// wideFact is a fact of wideSchema with a value in every field, and how
// ClickHouse prints the row.
var (
	wideFact = fact.Fact{Schema: "wide", ID: "id-1", Data: map[string]any{
		"id": "a\"b\nc", "at": time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.FixedZone("x", 3600)), "lc": "low", "ok": false,
		"n16": 65535, "n32": uint32(math.MaxUint32), "f32": float32(1.5), "f64": -0.1, "doc": map[string]any{"k": []any{1, "x", nil}},
		"i8": -128, "i16": -32768, "i32": math.MinInt32, "i64": int64(math.MinInt64), "u8": 255, "u64": uint64(math.MaxUint64),
		"day": "2026-02-03", "uid": "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "dec": json.Number("-12345.6789"), "kind": "b'c",
		"tags": []string{"x", "", "ü"}, "nums": []int64{1, -2}, "meta": map[string]string{"k": "v"}, "native": map[string]any{"a": map[string]any{"b": 1}},
	}}
	wideRow = `{"id":"a\"b\nc","at":"2026-02-03 03:05:06.789","lc":"low","ok":false,"n16":65535,"n32":4294967295,"f32":1.5,"f64":-0.1,` +
		`"doc":"{\"k\":[1,\"x\",null]}","i8":-128,"i16":-32768,"i32":-2147483648,"i64":-9223372036854775808,"u8":255,"u64":18446744073709551615,` +
		`"day":"2026-02-03","uid":"61f0c404-5cb3-11e7-907b-a6006ad3dba0","dec":-12345.6789,"kind":"b'c","tags":["x","","ü"],"nums":[1,-2],` +
		`"meta":{"k":"v"},"native":{"a":{"b":1}}}`
	// sparseFact leaves out all that may be left out.
	sparseFact = fact.Fact{Schema: "wide", ID: "id-2", Data: map[string]any{"id": "s", "at": "2026-02-03T04:05:06Z"}}
	sparseRow  = `{"id":"s","at":"2026-02-03 04:05:06.000","lc":null,"ok":true,"n16":7,"n32":null,"f32":0,"f64":null,` +
		`"doc":null,"i8":0,"i16":0,"i32":0,"i64":0,"u8":0,"u64":0,"day":"1970-01-01","uid":"00000000-0000-0000-0000-000000000000","dec":0,` +
		`"kind":"a","tags":[],"nums":[],"meta":{},"native":{}}`
)

const jsonSettings = " FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 0"

func TestEveryTypeRoundTrips(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), chtest.WideSchema))
		require.NoError(t, m.Materialize(t.Context(), wideFact, sparseFact))
		require.Equal(t, wideRow, db.Query(t, "SELECT * FROM wide WHERE id != 's'"+jsonSettings))
		require.Equal(t, sparseRow, db.Query(t, "SELECT * FROM wide WHERE id = 's'"+jsonSettings))

		var rows []wideScan
		require.NoError(t, m.client.Select(t.Context(), &rows, "SELECT * EXCEPT (dec, native) FROM wide ORDER BY n16 DESC"))
		low, n32, f64, doc := "low", uint32(math.MaxUint32), -0.1, `{"k":[1,"x",null]}`
		require.Equal(t, wideScan{
			ID: "a\"b\nc", At: time.Date(2026, 2, 3, 3, 5, 6, 789_000_000, time.UTC), LC: &low, N16: 65535, N32: &n32, F32: 1.5, F64: &f64, Doc: &doc,
			I8: -128, I16: -32768, I32: math.MinInt32, I64: math.MinInt64, U8: 255, U64: math.MaxUint64,
			Day: time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC), UID: "61f0c404-5cb3-11e7-907b-a6006ad3dba0", Kind: "b'c",
			Tags: []string{"x", "", "ü"}, Nums: []int64{1, -2}, Meta: map[string]string{"k": "v"},
		}, rows[0])
		require.Nil(t, rows[1].N32)
	})
}

// wideScan is a row of wideSchema as the driver reads it.
type wideScan struct {
	ID   string            `ch:"id"`
	At   time.Time         `ch:"at"`
	LC   *string           `ch:"lc"`
	OK   bool              `ch:"ok"`
	N16  uint16            `ch:"n16"`
	N32  *uint32           `ch:"n32"`
	F32  float32           `ch:"f32"`
	F64  *float64          `ch:"f64"`
	Doc  *string           `ch:"doc"`
	I8   int8              `ch:"i8"`
	I16  int16             `ch:"i16"`
	I32  int32             `ch:"i32"`
	I64  int64             `ch:"i64"`
	U8   uint8             `ch:"u8"`
	U64  uint64            `ch:"u64"`
	Day  time.Time         `ch:"day"`
	UID  string            `ch:"uid"`
	Kind string            `ch:"kind"`
	Tags []string          `ch:"tags"`
	Nums []int64           `ch:"nums"`
	Meta map[string]string `ch:"meta"`
}

func named(s fact.Schema, name string) fact.Schema {
	s.Name = name
	return s
}

var pairSchema = fact.Schema{
	Name:    "pair",
	Fields:  []fact.Field{{Name: "k", Type: fact.String}, {Name: "n", Type: fact.UInt16}},
	OrderBy: []string{"k"},
}

func pair(schema, id, k string, n any) fact.Fact {
	return fact.Fact{Schema: schema, ID: id, Data: map[string]any{"k": k, "n": n}}
}

func TestSeveralSchemasInOneCall(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		plain := named(pairSchema, "plain")
		plain.OrderBy = nil // rows stay in the order of the insert
		require.NoError(t, m.EnsureSchema(t.Context(), named(pairSchema, "b"), plain, named(pairSchema, "a")))
		require.NoError(t, m.Materialize(t.Context(),
			pair("plain", "1", "z", 1), pair("b", "2", "x", 2), pair("plain", "3", "a", 3), pair("a", "4", "x", 4), pair("plain", "5", "m", 5)))
		require.Equal(t, "['z','a','m']", db.Query(t, "SELECT groupArray(k) FROM plain"))
		require.Equal(t, "2 4", db.Query(t, "SELECT n FROM b")+" "+db.Query(t, "SELECT n FROM a"))
		require.Equal(t, "3\t3", db.Query(t, "SELECT count(), uniqExact(table) FROM system.parts WHERE database = currentDatabase()"), "one insert a table")
	})
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	m := materializer(t, Config{DSN: "clickhouse://" + chtest.ClosedAddr(t) + "/db"})
	require.NoError(t, m.Materialize(t.Context()))
	require.NoError(t, m.EnsureSchema(t.Context()))
	p, err := m.Prepare(t.Context())
	require.NoError(t, err)
	require.NoError(t, p.Materialize(t.Context()))
}

func TestBadFactsAreNamedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), pairSchema, named(pairSchema, "other")))
		good := pair("other", "g", "x", 1)
		for _, tc := range []struct {
			facts []fact.Fact
			field string
			want  string
			is    error
		}{
			{[]fact.Fact{good, pair("pair", "i", "x", 65536)}, "n", `fact 1 (schema "pair", id "i"): field "n": 65536 is out of range for uint16`, block.ErrRange},
			{[]fact.Fact{pair("pair", "", "x", "y")}, "n", `fact 0 (schema "pair"): field "n": "y" `, block.ErrType},
			{[]fact.Fact{good, {Schema: "pair", Data: map[string]any{"n": 1}}}, "k", `fact 1 (schema "pair"): field "k": `, block.ErrMissing},
			{[]fact.Fact{{Schema: "pair", Data: map[string]any{"k": "x", "q": 1}}}, "q", `fact 0 (schema "pair"): field "q": `, block.ErrUnknownKey},
			{[]fact.Fact{pair("pair", "", "x", nil)}, "n", `field "n": `, block.ErrNull},
			{[]fact.Fact{good, pair("nope", "7", "x", 1)}, "", `fact 1 (schema "nope", id "7"): schema "nope" is not known: call EnsureSchema with it first; known are other, pair`, ErrSchema},
			{[]fact.Fact{{}}, "", `fact 0 (schema ""): schema "" is not known`, ErrSchema},
		} {
			err := m.Materialize(t.Context(), tc.facts...)
			require.ErrorContains(t, err, tc.want)
			require.ErrorIs(t, err, tc.is)
			var bad *fact.FactError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tc.field, bad.Field)
			_, err = m.Prepare(t.Context(), tc.facts...)
			require.ErrorContains(t, err, tc.want)
		}
		var field *block.FieldError
		require.ErrorAs(t, m.Materialize(t.Context(), pair("pair", "", "x", -1)), &field)
		require.Equal(t, "n", field.Field)

		many := []fact.Fact{good}
		for i := range 25 {
			many = append(many, pair("pair", fmt.Sprint(i), "x", -1))
		}
		err := m.Materialize(t.Context(), many...)
		require.ErrorContains(t, err, `fact 10 (schema "pair"`)
		require.NotContains(t, err.Error(), `fact 11 (`)
		require.ErrorContains(t, err, "and 15 more facts")
		require.Equal(t, "0 0", db.Query(t, "SELECT count() FROM pair")+" "+db.Query(t, "SELECT count() FROM other"))
	})
}

func TestUnknownKeysPolicies(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := pairSchema
	s.Fields = append(append([]fact.Field{}, s.Fields...), fact.Field{Name: "rest", Type: fact.JSON})
	f := fact.Fact{Schema: "pair", Data: map[string]any{"k": "x", "n": 1, "extra": []int{1}}}

	m := materializer(t, Config{DSN: db.DSN, UnknownKeys: block.IgnoreUnknown})
	require.NoError(t, m.EnsureSchema(t.Context(), s))
	require.NoError(t, m.Materialize(t.Context(), f))
	m = materializer(t, Config{DSN: db.DSN, UnknownKeys: block.CollectUnknown, CollectInto: "rest"})
	require.NoError(t, m.EnsureSchema(t.Context(), s))
	require.NoError(t, m.Materialize(t.Context(), f))
	require.Equal(t, "2\t1", db.Query(t, "SELECT count(), countIf(rest = '{\"extra\":[1]}') FROM pair"))
	require.ErrorIs(t, m.EnsureSchema(t.Context(), named(pairSchema, "without")), ErrSchema)
}

func TestTablesTakeTheirOptions(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	m := materializer(t, Config{DSN: db.DSN, Tables: map[string]ddl.Options{"pair": {PartitionBy: "n % 2", Comment: "it's ours"}}})
	require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
	require.Equal(t, "n % 2\tit\\'s ours", db.Query(t, "SELECT partition_key, comment FROM system.tables WHERE database = currentDatabase() AND name = 'pair'"))

	m = materializer(t, Config{DSN: db.DSN, Tables: map[string]ddl.Options{"pair": {Engine: "Nonsense("}}})
	require.ErrorIs(t, m.EnsureSchema(t.Context(), pairSchema), ErrSchema)
}

func TestRepeatedCallsStoreOnce(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		schemas := []fact.Schema{pairSchema, named(pairSchema, "other")}
		require.NoError(t, m.EnsureSchema(t.Context(), schemas...))
		restarted := materializer(t, Config{DSN: db.DSN})
		require.NoError(t, restarted.EnsureSchema(t.Context(), schemas...))
		facts := []fact.Fact{pair("pair", "1", "a", 1), pair("other", "2", "b", 2), pair("pair", "3", "c", 3)}
		counts := func() string { return db.Query(t, "SELECT (SELECT count() FROM pair), (SELECT count() FROM other)") }

		for _, m := range []*Materializer{m, restarted, m} {
			require.NoError(t, m.Materialize(t.Context(), facts...))
		}
		require.Equal(t, "2\t1", counts())

		changed := append([]fact.Fact{}, facts...)
		changed[1] = pair("other", "2", "b", 3)
		require.NoError(t, m.Materialize(t.Context(), changed...))
		require.Equal(t, "2\t2", counts(), "what changed is stored; what did not is not")

		require.NoError(t, m.Materialize(t.Context(), pair("pair", "9", "a", 1), pair("pair", "10", "c", 3)))
		require.Equal(t, "4\t2", counts(), "other facts with equal values")

		for range 2 {
			require.NoError(t, m.Materialize(t.Context(), pair("other", "", "b", 2)))
			require.NoError(t, m.Materialize(t.Context(), pair("other", "", "b", 2), pair("other", "x", "b", 2)))
		}
		require.Equal(t, "4\t8", counts(), "facts without an ID are stored as often as they are given")
	})
}

func TestFailureBetweenTables(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), named(pairSchema, "c"), named(pairSchema, "b"), named(pairSchema, "a")))
		facts := []fact.Fact{pair("b", "1", "x", 1), pair("c", "2", "x", 2), pair("a", "3", "x", 3)}
		replace := func(table string) {
			db.Exec(t, "RENAME TABLE "+table+" TO away")
			db.Exec(t, "CREATE TABLE "+table+" (k UInt8, n UInt16) ENGINE = MergeTree ORDER BY k")
		}
		replace("b")

		err := m.Materialize(t.Context(), facts...)
		var partial *PartialInsertError
		require.ErrorAs(t, err, &partial)
		require.Equal(t, []string{"a"}, partial.Stored)
		require.Equal(t, "b", partial.Failed)
		require.Equal(t, []string{"c"}, partial.Untried)
		require.ErrorIs(t, err, ErrSchema)
		require.ErrorContains(t, err, `insert into "b"`)
		require.ErrorContains(t, err, "; stored before: a; not tried: c")

		db.Exec(t, "DROP TABLE b SYNC")
		db.Exec(t, "RENAME TABLE away TO b")
		require.NoError(t, m.Materialize(t.Context(), facts...))
		require.Equal(t, "1\t1\t1", db.Query(t, "SELECT (SELECT count() FROM a), (SELECT count() FROM b), (SELECT count() FROM c)"))

		replace("a")
		err = m.Materialize(t.Context(), facts...)
		require.ErrorIs(t, err, ErrSchema)
		require.False(t, errors.As(err, &partial), "nothing was stored before")
	})
}

func TestPrepared(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
		f := pair("pair", "1", "a", 1)
		p, err := m.Prepare(t.Context(), f)
		require.NoError(t, err)
		f.Data["n"] = 2 // too late
		q, err := m.Prepare(t.Context(), f)
		require.NoError(t, err)
		q.Discard()
		require.Equal(t, "0", db.Query(t, "SELECT count() FROM pair"))
		require.NoError(t, p.Materialize(t.Context()))
		require.Equal(t, "1", db.Query(t, "SELECT n FROM pair"))
	})
}

// TestPrepareDoesNotAllocateForEachFact compares calls of two sizes. The bound is
// not zero, since pools lose some of what they keep under the race detector.
func TestPrepareDoesNotAllocateForEachFact(t *testing.T) {
	m := intoMemory(t, Config{}, &memorySink{})
	allocations := func(n int) float64 {
		facts := idFacts("a", n)
		return testing.AllocsPerRun(20, func() {
			p, err := m.Prepare(t.Context(), facts...)
			require.NoError(t, err)
			p.Discard()
		})
	}
	few, many := allocations(100), allocations(2100)
	require.Less(t, (many-few)/2000, 0.9)
}

func TestFactsAreNotChanged(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	m := materializer(t, Config{DSN: db.DSN})
	require.NoError(t, m.EnsureSchema(t.Context(), chtest.WideSchema))
	f := wideFact
	f.Data = maps.Clone(wideFact.Data)
	require.NoError(t, m.Materialize(t.Context(), f, f))
	require.Equal(t, wideFact, f)
}

func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		schemas := []fact.Schema{named(pairSchema, "a"), named(pairSchema, "b"), named(pairSchema, "c")}
		var wg sync.WaitGroup
		errs := make(chan error, 100)
		for g := range 20 {
			wg.Go(func() {
				if err := m.EnsureSchema(t.Context(), schemas...); err != nil {
					errs <- err
					return
				}
				for i := range 5 {
					id := fmt.Sprintf("%d-%d", g, i)
					errs <- m.Materialize(t.Context(), pair("a", id, id, i), pair("b", id, id, i), pair("c", id, id, i), pair("a", id+"+", id, g))
				}
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, "200\t100\t100", db.Query(t, "SELECT (SELECT count() FROM a), (SELECT uniqExact(k) FROM b), (SELECT count() FROM c)"))
	})
}

func TestSchemaWithAnotherDefinition(t *testing.T) {
	t.Parallel()
	m := materializer(t, Config{DSN: "clickhouse://" + chtest.ClosedAddr(t) + "/db"})
	require.ErrorIs(t, m.EnsureSchema(t.Context(), pairSchema), ErrRetryable)
	for want, change := range map[string]func(s *fact.Schema){
		"the order differs":            func(s *fact.Schema) { s.OrderBy = []string{"n"} },
		"the number of fields differs": func(s *fact.Schema) { s.Fields = s.Fields[:1] },
		`field "n" differs`:            func(s *fact.Schema) { s.Fields = []fact.Field{s.Fields[0], {Name: "n", Type: fact.UInt8}} },
	} {
		s := pairSchema
		change(&s)
		err := m.EnsureSchema(t.Context(), named(pairSchema, "fresh"), s)
		require.ErrorIs(t, err, ErrSchema)
		require.ErrorContains(t, err, `ensure schema: schema "pair" is known already with another definition: `+want)
		require.ErrorContains(t, m.Materialize(t.Context(), pair("fresh", "", "x", 1)), "is not known", "all or none are remembered")
		require.ErrorIs(t, m.EnsureSchema(t.Context(), named(pairSchema, "x"+want), named(s, "x"+want)), ErrSchema)
	}
	require.ErrorIs(t, m.EnsureSchema(t.Context(), fact.Schema{Name: "bad"}), ErrSchema)
}

func TestServerComesUpLater(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		addr := chtest.ClosedAddr(t)
		m := materializer(t, Config{DSN: chtest.WithDSN(t, dsn, func(u *url.URL) { u.Host = addr }), RetryBudget: -1})
		s := named(pairSchema, name)
		err := m.EnsureSchema(t.Context(), s)
		require.ErrorIs(t, err, ErrRetryable)
		require.ErrorContains(t, err, "ensure schema: inspect table")
		require.ErrorIs(t, m.Materialize(t.Context(), pair(name, "1", "a", 1)), ErrRetryable)
		require.ErrorIs(t, m.Ping(t.Context()), ErrRetryable)
		p, err := m.Prepare(t.Context(), pair(name, "2", "b", 2))
		require.NoError(t, err, "facts are checked without the server")

		listener, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		chtest.Forward(t, listener, chtest.Host(t, dsn))
		require.NoError(t, p.Materialize(t.Context()))
		require.NoError(t, m.Materialize(t.Context(), pair(name, "1", "a", 1)))
		require.Equal(t, "2", db.Query(t, "SELECT count() FROM "+name))
	}
}

func TestEnsureSchemaChangesTables(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		db.Exec(t, "CREATE TABLE pair (k String) ENGINE = MergeTree ORDER BY k")
		db.Exec(t, "CREATE TABLE refused (k UInt8, n UInt16) ENGINE = MergeTree ORDER BY k")
		require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
		require.NoError(t, m.Materialize(t.Context(), pair("pair", "", "x", 5)))
		require.Equal(t, "x\t5", db.Query(t, "SELECT k, n FROM pair"))

		err := m.EnsureSchema(t.Context(), named(pairSchema, "refused"))
		require.ErrorIs(t, err, ErrSchema)
		require.ErrorAs(t, err, new(*diff.RefusedError))
		require.ErrorIs(t, m.Materialize(t.Context(), pair("refused", "", "x", 5)), ErrSchema)
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	m, err := New(Config{Client: c})
	require.NoError(t, err)
	require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
	p, err := m.Prepare(t.Context(), pair("pair", "", "x", 1))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, m.Close(t.Context()))
	}
	_, prepareErr := m.Prepare(t.Context(), pair("pair", "", "x", 1))
	for _, err := range []error{
		prepareErr, m.Ping(t.Context()), m.EnsureSchema(t.Context(), pairSchema), m.Materialize(t.Context(), pair("pair", "", "x", 1)), p.Materialize(t.Context()),
	} {
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorContains(t, err, "materializer is closed")
	}
	require.NoError(t, c.Ping(t.Context()), "the client is its owner's")

	m, err = New(Config{DSN: db.DSN})
	require.NoError(t, err)
	require.NoError(t, m.Ping(t.Context()))
	require.NoError(t, m.Close(t.Context()))
	require.ErrorIs(t, m.client.Ping(t.Context()), ErrClosed)
}

func TestCloseWaitsForCalls(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, db *enginetest.DB, p *chtest.Proxy, c *Client) {
		m, err := New(Config{Client: c})
		require.NoError(t, err)
		require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
		answering, answer := make(chan bool, 100), make(chan bool)
		hold := func(int) bool {
			answering <- true
			<-answer
			return true
		}
		p.OnAnswer.Store(&hold)
		stored := make(chan error, 1)
		go func() { stored <- m.Materialize(t.Context(), pair("pair", "1", "x", 1)) }()
		<-answering
		closed := make(chan error, 1)
		go func() { closed <- m.Close(t.Context()) }()
		for !m.calls.isClosed() {
			runtime.Gosched()
		}
		select {
		case err := <-closed:
			t.Fatalf("closed while a call was running: %v", err)
		default:
		}
		close(answer)
		require.NoError(t, <-stored)
		require.NoError(t, <-closed)
		require.Equal(t, "1", db.Query(t, "SELECT count() FROM pair"))
	})
}

func TestCloseEndsCallsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, _ *enginetest.DB, p *chtest.Proxy, c *Client) {
		m, err := New(Config{Client: c})
		require.NoError(t, err)
		require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
		answering := make(chan bool, 100)
		hang := func(int) bool {
			answering <- true
			<-t.Context().Done()
			return false
		}
		p.OnAnswer.Store(&hang)
		stored := make(chan error, 1)
		go func() { stored <- m.Materialize(t.Context(), pair("pair", "1", "x", 1)) }()
		<-answering
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, m.Close(ctx), context.Canceled)
		err = <-stored
		require.ErrorIs(t, err, ErrClosed)
		require.NoError(t, m.Close(ctx))
	})
}

func TestInsertTimeout(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, _ *enginetest.DB, p *chtest.Proxy, c *Client) {
		m := materializer(t, Config{Client: c, InsertTimeout: 300 * time.Millisecond, RetryBudget: -1})
		require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
		hang := func(int) bool {
			<-t.Context().Done()
			return false
		}
		p.OnAnswer.Store(&hang)
		err := m.Materialize(t.Context(), pair("pair", "1", "x", 1))
		require.ErrorContains(t, err, "no answer within InsertTimeout (300ms)")
		require.True(t, errors.Is(err, ErrAmbiguous) != errors.Is(err, ErrRetryable), "%v", err)
	})
}

func TestTheLogHoldsNoSecretsAndNoValues(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	var out bytes.Buffer
	var mu sync.Mutex
	log := slog.New(slog.NewJSONHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	m := materializer(t, Config{DSN: db.DSN, Logger: log})
	require.NoError(t, m.EnsureSchema(t.Context(), pairSchema))
	db.Exec(t, "DROP TABLE pair SYNC")
	db.Exec(t, "CREATE TABLE pair (k UInt8, n UInt16) ENGINE = MergeTree ORDER BY k")
	require.Error(t, m.Materialize(t.Context(), pair("pair", "1", "VALUE", 1)))
	require.Error(t, m.EnsureSchema(t.Context(), fact.Schema{Name: "a/b"}))
	m2 := materializer(t, Config{DSN: chtest.WithDSN(t, db.DSN, func(u *url.URL) { u.User = url.UserPassword("u", "S3CR3T") }), Logger: log})
	logged := out.Len() // nothing runs
	require.ErrorIs(t, m2.EnsureSchema(t.Context(), pairSchema), ErrRejected)
	require.Equal(t, logged, out.Len(), "the caller has been told")
	require.Error(t, m2.Materialize(t.Context(), pair("pair", "1", "VALUE", 1)))
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, out.String(), "insert failed")
	for _, secret := range []string{"S3CR3T", "VALUE", chtest.Password(t, db.DSN)} {
		require.NotContains(t, out.String(), secret)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		var facts []fact.Fact
		var schemas []fact.Schema
		for i, name := range chtest.HostileNames {
			field := chtest.HostileNames[(i+7)%len(chtest.HostileNames)]
			schemas = append(schemas, fact.Schema{Name: name, Fields: []fact.Field{{Name: field, Type: fact.String}, {Name: "n ", Type: fact.UInt32}}, OrderBy: []string{field}})
			facts = append(facts, fact.Fact{Schema: name, Data: map[string]any{field: strings.Repeat(name, 2), "n ": i}}) //nolint:gocritic // the odd key is meant
		}
		require.NoError(t, m.EnsureSchema(t.Context(), schemas...))
		require.NoError(t, m.Materialize(t.Context(), facts...))
		for i, s := range schemas {
			var rows []struct {
				Text string
				N    uint32
			}
			require.NoError(t, m.client.Select(t.Context(), &rows,
				"SELECT "+ddl.QuoteIdent(s.Fields[0].Name)+" AS Text, `n ` AS N FROM "+ddl.QuoteIdent(s.Name)), s.Name)
			require.Len(t, rows, 1)
			require.Equal(t, strings.Repeat(s.Name, 2), rows[0].Text)
			require.EqualValues(t, i, rows[0].N)
		}
		require.Equal(t, fmt.Sprint(len(schemas)), db.Query(t, "SELECT count() FROM system.tables WHERE database = currentDatabase()"))
	})
}

func TestPipelineRecordsIntoTheTable(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		store := fact.NewMemoryStore()
		p := fact.NewPipeline(fact.WithStore(store, "s"), fact.WithMaterializer(m))
		s := pairSchema
		s.Fields = append([]fact.Field{{Name: "id", Type: fact.String, FactID: true}}, s.Fields...)
		require.NoError(t, p.EnsureSchemas(t.Context(), s))
		require.NoError(t, p.Record(t.Context(), pair("pair", "", "x", 1), pair("pair", "mine", "y", 2)))
		events, err := store.Load(t.Context(), "s")
		require.NoError(t, err)
		require.Len(t, events, 2)
		require.Equal(t, events[0].ID+" mine", db.Query(t, "SELECT arrayStringConcat(groupArray(id), ' ') FROM (SELECT id FROM pair ORDER BY n)"))

		require.ErrorIs(t, p.Record(t.Context(), pair("pair", "", "x", -1)), block.ErrRange)
		events, err = store.Load(t.Context(), "s")
		require.NoError(t, err)
		require.Len(t, events, 2, "a bad fact does not reach the log")

		// Replay: what the log has is stored already.
		for _, e := range events {
			f, err := fact.FactFromEvent(e)
			require.NoError(t, err)
			require.NoError(t, m.Materialize(t.Context(), f))
		}
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestEnsureSchemaRunsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := pairSchema
	s.Fields = append(slices.Clone(s.Fields), fact.Field{Name: "at", Type: fact.DateTime64})
	require.NoError(t, materializer(t, Config{DSN: db.DSN}).EnsureSchema(t.Context(), s))
	options := map[string]ddl.Options{"pair": {
		TTL:     "toDateTime(at) + INTERVAL 10 YEAR",
		Indexes: []ddl.Index{{Name: "by_n", Expr: "n", Type: "minmax"}},
	}}
	ttl := "SELECT countIf(position(engine_full, 'TTL') > 0), (SELECT count() FROM system.data_skipping_indices WHERE database = currentDatabase()) " +
		"FROM system.tables WHERE database = currentDatabase()"

	err := materializer(t, Config{DSN: db.DSN, Tables: options}).EnsureSchema(t.Context(), s)
	require.ErrorIs(t, err, ErrSchema)
	require.ErrorContains(t, err, "Config.Allow")
	require.Equal(t, "0\t0", db.Query(t, ttl), "all or nothing")

	for range 2 {
		m := materializer(t, Config{DSN: db.DSN, Tables: options, Allow: []ddl.Hazard{ddl.DeletesData}})
		require.NoError(t, m.EnsureSchema(t.Context(), s))
		require.Equal(t, "1\t1", db.Query(t, ttl))
	}
}
