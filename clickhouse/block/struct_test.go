package block

import (
	"encoding/json"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// chatMessage carries the fields of chatSchema.
type chatMessage struct {
	Conversation
	MessageID        string
	Role             string
	Model            string
	Content          string
	PromptTokens     int
	CompletionTokens uint32
	LatencyMs        float64
	Temperature      *float32
	Flagged          bool
	Tags             []string
	Metadata         json.RawMessage
	CreatedAt        time.Time
}

// Conversation is embedded in chatMessage.
type Conversation struct{ ConversationID string }

func someMessage() *chatMessage {
	temperature := float32(0.2)
	return &chatMessage{
		Conversation: Conversation{"6e702f61c35cc48c"}, MessageID: "84f97833ed534154ba010f5863c890e3",
		Role: "assistant", Model: "model-1", Content: "words of an answer, \"quoted\"\n", PromptTokens: 1200, CompletionTokens: 340,
		LatencyMs: 512.5, Temperature: &temperature, Tags: []string{"a", "b"}, Metadata: json.RawMessage(`{"client":"web"}`),
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
	}
}

func TestAppendStruct(t *testing.T) {
	t.Parallel()
	fromMap, fromStruct := newBlock(t, chatSchema, Options{}), newBlock(t, chatSchema, Options{})
	m := someMessage()
	require.NoError(t, fromMap.AppendFact("", map[string]any{
		"conversation_id": m.ConversationID, "message_id": m.MessageID, "role": m.Role, "model": m.Model, "content": m.Content,
		"prompt_tokens": m.PromptTokens, "completion_tokens": m.CompletionTokens, "latency_ms": m.LatencyMs, "temperature": m.Temperature,
		"flagged": m.Flagged, "tags": m.Tags, "metadata": m.Metadata, "created_at": m.CreatedAt,
	}))
	require.NoError(t, appendStruct(fromStruct, "", m))
	require.Equal(t, digestOf(fromMap), digestOf(fromStruct))
	require.NoError(t, appendStruct(fromStruct, "", *m), "a struct by value")
	require.NoError(t, fromMap.AppendRows(fromStruct, 0, 1))
	require.Equal(t, digestOf(fromMap), digestOf(fromStruct))
}

// TestAppendStructMissing: what counts as a missing key.
func TestAppendStructMissing(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "rows", Fields: []fact.Field{
		{Name: "id", Type: fact.String, FactID: true},
		{Name: "pointer", Type: fact.UInt8, Default: 7},
		{Name: "null", Type: fact.UInt8, Nullable: true},
		{Name: "zero", Type: fact.UInt8, Default: 7},
		{Name: "omitted", Type: fact.UInt8, Default: 7},
		{Name: "list", Type: fact.UInt8, Array: true, Default: []int{1, 2}},
		{Name: "map", Type: fact.StringMap},
		{Name: "raw", Type: fact.JSON},
		{Name: "any", Type: fact.JSON, Nullable: true},
		{Name: "at", Type: fact.DateTime64},
	}}
	type row struct {
		ID      string `fact:"id,fact_id"`
		Pointer *int
		Null    *int
		Zero    int
		Omitted int   `fact:"omitted,omitzero"`
		List    []int `fact:"list,uint8"`
		Map     map[string]string
		Raw     json.RawMessage
		Any     any
		At      time.Time `fact:",omitzero"`
	}
	b := newBlock(t, schema, Options{})
	require.NoError(t, appendStruct(b, "from outside", &row{}))
	zero := 0
	require.NoError(t, appendStruct(b, "", &row{
		ID: "own", Pointer: &zero, Null: &zero, Omitted: 1, List: []int{}, Map: map[string]string{}, Raw: json.RawMessage("[]"), Any: `"x"`,
		At: time.UnixMilli(1704164645678),
	}))
	for i, want := range [][2]string{
		{`"from outside"`, `"own"`},
		{"7", "0"},
		{"NULL", "0"},
		{"0", "0"},
		{"7", "1"},
		{"[1 2]", "[]"},
		{"{}", "{}"},
		{`"{}"`, `"[]"`},
		{"NULL", `"\"x\""`},
		{"1970-01-01T00:00:00.000Z", "2024-01-02T03:04:05.678Z"},
	} {
		require.Equal(t, want[:], values(t, b, i), schema.Fields[i].Name)
	}
	err := appendStruct(b, "another", &row{ID: "own"})
	require.ErrorIs(t, err, ErrID)
	require.ErrorContains(t, appendStruct(b, "", &row{}), `field "id": is missing`)
	require.Equal(t, 2, b.Rows())
}

func TestAppendStructMismatch(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "rows", OrderBy: []string{"n"}, Fields: []fact.Field{
		{Name: "n", Type: fact.UInt8},
		{Name: "s", Type: fact.String},
		{Name: "l", Type: fact.Int64, Array: true},
		{Name: "u", Type: fact.UUID},
		{Name: "j", Type: fact.JSON},
	}}
	for _, c := range []struct {
		v    any
		want string
	}{
		{struct{ S string }{}, `struct struct { S string }: has nothing for field "n" of schema "rows", which is in order_by and has no default`},
		{struct{ N string }{}, `field N: a field of type uint8 cannot hold the Go type string`},
		{struct{ N []int }{}, `field N: field "n" of the schema is no array, but the Go type is []int`},
		{struct{ N, L int }{}, `field L: field "l" of the schema is an array, but the Go type is int`},
		{struct {
			N int
			L []string
		}{}, `field L: a field of type int64 cannot hold the Go type string`},
		{struct {
			N int
			S time.Time
		}{}, `field S: a field of type string cannot hold the Go type time.Time`},
		{struct {
			N int
			U [16]byte `fact:"u,json"`
		}{}, `field U: field "u" of the schema is a uuid, but the tag says json`},
		{struct {
			N int `fact:"n,uint9"`
		}{}, `field N: unknown option or type "uint9", did you mean "uint8"?`},
		{struct {
			N int
			B []byte `fact:"s"`
		}{}, `field B: Go type []uint8 may be text, JSON or numbers`},
	} {
		b := newBlock(t, schema, Options{})
		for range 2 { // the second answer comes from the cache
			err := b.Append(&fact.Fact{Schema: "rows", Value: c.v})
			require.ErrorContains(t, err, c.want)
			var problem *fact.StructError
			require.ErrorAs(t, err, &problem)
		}
		require.Zero(t, b.Rows())
	}
	b := newBlock(t, schema, Options{})
	require.ErrorContains(t, appendStruct(b, "", 3), "the value is int: give a struct or a pointer to one")
	require.ErrorIs(t, appendStruct(b, "", &struct{ N, Other int }{}), ErrUnknownKey)
	require.ErrorContains(t, appendStruct(b, "", (*chatMessage)(nil)), "the value is a nil *block.chatMessage: give a pointer to a struct")
	require.ErrorContains(t, b.Append(&fact.Fact{Data: map[string]any{}, Value: &chatMessage{}}), "both Data and Value: give one of them")
}

func TestAppendStructUnknown(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "rows", Fields: []fact.Field{{Name: "n", Type: fact.UInt8}, {Name: "rest", Type: fact.JSON}}}
	v := struct {
		N    int
		Z    string
		A    *int
		B    [16]byte
		Skip chan int `fact:"-"`
	}{N: 1, Z: "<z>", B: [16]byte{15: 1}}
	ignoring := newBlock(t, schema, Options{UnknownKeys: IgnoreUnknown})
	require.NoError(t, appendStruct(ignoring, "", &v))
	require.Equal(t, []string{`"{}"`}, values(t, ignoring, 1))
	collecting := newBlock(t, schema, Options{UnknownKeys: CollectUnknown, CollectInto: "rest"})
	require.NoError(t, appendStruct(collecting, "", &v))
	require.Equal(t, []string{`"{\"b\":\"00000000-0000-0000-0000-000000000001\",\"z\":\"<z>\"}"`}, values(t, collecting, 1))
	v.Z = "\xff"
	require.ErrorContains(t, appendStruct(collecting, "", &v), "text is not valid UTF-8")
	require.Equal(t, 1, collecting.Rows())
}

// panicky panics when it is encoded.
type panicky struct{}

func (panicky) MarshalText() ([]byte, error) { panic("on purpose") }

func TestAppendStructRollsBack(t *testing.T) {
	t.Parallel()
	type row struct {
		A []string
		B panicky `fact:",string"`
	}
	b := newBlock(t, fact.Schema{Name: "rows", Fields: []fact.Field{{Name: "a", Type: fact.String, Array: true}, {Name: "b", Type: fact.String}}}, Options{})
	empty := digestOf(b)
	require.Panics(t, func() { _ = appendStruct(b, "", &row{A: []string{"x"}}) })
	require.Equal(t, empty, digestOf(b))
	require.NoError(t, appendStruct(b, "", &struct{ A []string }{[]string{"x"}}), "another type, the same block")
	err := appendStruct(b, "", &struct{ A []string }{[]string{"x", "\xff"}})
	require.ErrorContains(t, err, `field "a": element 1: text is not valid UTF-8: "\xff"`)
	require.Equal(t, 1, b.Rows())
}

// TestAppendStructConcurrently: blocks of one layout share what it knows of
// struct types.
func TestAppendStructConcurrently(t *testing.T) {
	t.Parallel()
	layout := mustCompile(t, chatSchema, Options{})
	digests := make([]string, 16)
	var wg sync.WaitGroup
	for i := range digests {
		wg.Go(func() {
			b := layout.NewBlock()
			assert.NoError(t, appendStruct(b, "", someMessage()))
			assert.Error(t, appendStruct(b, "", struct{ Other int }{}))
			digests[i] = digestOf(b)
		})
	}
	wg.Wait()
	for _, d := range digests {
		require.Equal(t, digests[0], d)
	}
}

// everyColumn has a field of each type, of the Go types that need no methods to
// be encoded.
type everyColumn struct {
	S   string
	LC  string `fact:"lc,low_cardinality"`
	B   bool
	U8  uint8
	U16 uint16
	U32 int `fact:"u32,uint32"`
	U64 uint64
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	F32 float32
	F64 float64
	F   float32 `fact:"f,float64"`
	At  time.Time
	Day time.Time `fact:"day,date"`
	Ms  int64     `fact:"ms,datetime64"`
	ID  string    `fact:"id,uuid"`
	Key [16]byte
	Dec string            `fact:"dec,decimal,precision=18,scale=4"`
	Num json.Number       `fact:"num,decimal,precision=38,scale=4"`
	DF  float64           `fact:"df,decimal,precision=18,scale=4"`
	E   string            `fact:"e,enum,values=a|b"`
	M   map[string]string `fact:"m"`
	J   json.RawMessage
	N   json.RawMessage `fact:"n,native_json"`
	P   *float64
	LS  []string
	LI  []int
	LT  []time.Time
	LU  [][16]byte
}

func fullRow() *everyColumn {
	half := 0.5
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	return &everyColumn{
		S: "some text that is a little longer than a word", LC: "low", B: true, U8: 1, U16: 2, U32: 3, U64: 4, I8: -1, I16: -2, I32: -3, I64: -4,
		F32: 0.1, F64: 0.2, F: 0.3, At: at, Day: at.Truncate(24 * time.Hour), Ms: at.UnixMilli(), ID: "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
		Key: [16]byte{1, 2, 3}, Dec: "12.5", Num: "123456789012345678901.25", DF: 1.25, E: "b", M: map[string]string{"k": "v", "a": "b"},
		J: json.RawMessage(`{"a":[1,2,{"b":null}]}`), N: json.RawMessage(`{"a":{"b":1}}`), P: &half,
		LS: []string{"x", "y"}, LI: []int{1, 2, 3}, LT: []time.Time{at, at}, LU: [][16]byte{{1}, {2}},
	}
}

// TestStructAllocations: no field of these types costs an allocation, of the
// block or of the log, which needs one for the event's data.
func TestStructAllocations(t *testing.T) { //nolint:paralleltest // it counts allocations of the whole process
	v := fullRow()
	s, err := fact.StructOf(reflect.TypeOf(*v))
	require.NoError(t, err)
	schema := fact.Schema{Name: "every"}
	for _, f := range s.Fields() {
		schema.Fields = append(schema.Fields, f.Field)
	}
	b := newBlock(t, schema, Options{})
	require.NoError(t, appendStruct(b, "", v))
	require.Zero(t, leastAllocs(func() {
		b.Truncate(0)
		if err := appendStruct(b, "", v); err != nil {
			t.Error(err)
		}
	}))
	f := fact.Fact{Schema: "every", ID: "x", Value: v}
	var typer fact.EventTyper = &f
	require.LessOrEqual(t, leastAllocs(func() {
		if _, err := fact.NewEvent("s", typer); err != nil {
			t.Error(err)
		}
	}), 1.0)
}

// leastAllocs returns the fewest allocations of 100 runs: under the race detector, pools
// forget at random.
func leastAllocs(f func()) float64 {
	least := math.Inf(1)
	for range 100 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

// TestStructWithForeignTypes: types that marshal themselves go the same way.
func TestStructWithForeignTypes(t *testing.T) {
	t.Parallel()
	b := newBlock(t, fact.Schema{Name: "rows", Fields: []fact.Field{{Name: "id", Type: fact.UUID, FactID: true}}}, Options{})
	type row struct {
		ID uuid.UUID `fact:"id,fact_id"`
	}
	id := uuid.MustParse("61f0c404-5cb3-11e7-907b-a6006ad3dba0")
	require.NoError(t, appendStruct(b, "", &row{id}))
	require.NoError(t, appendStruct(b, id.String(), &row{}))
	require.Equal(t, []string{id.String(), id.String()}, values(t, b, 0))
}
