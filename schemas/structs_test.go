package schemas_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

type base struct {
	ID      string `fact:"id,fact_id"`
	Project string `fact:"project,low_cardinality,default=default"`
}

type everyType struct {
	base
	Plain       string
	HTTPStatus  uint16
	P95Latency  float32
	Count       int
	Total       uint
	I8          int8
	I16         int16
	I32         int32
	I64         int64
	U8          uint8
	U32         uint32
	U64         uint64
	Rate        float64
	OK          bool              `comment:"Whether it went well"`
	Tokens      int               `fact:"prompt_tokens,uint32,default=0"`
	Price       string            `fact:"price,decimal,precision=18,scale=6,default=1.5"`
	Exact       json.Number       `fact:",decimal,precision=10,scale=2"`
	State       string            `fact:"state,enum,values=open|closed,default=open"`
	Key         [16]byte          `fact:"key"`
	Other       string            `fact:"other,uuid"`
	Score       *float64          `fact:"score"`
	Note        string            `fact:",nullable"`
	Tags        []string          `fact:"tags,low_cardinality_string,default=[a, b]"`
	Times       []time.Time       `fact:"times"`
	Labels      map[string]string `fact:"labels"`
	Raw         json.RawMessage   `fact:"raw,default={a: 1}"`
	MaybeRaw    *json.RawMessage
	Anything    any            `fact:"anything,json"`
	Choices     []choice       `fact:"choices,json"`
	Body        map[string]any `fact:"body,native_json"`
	Day         time.Time      `fact:"day,date"`
	Took        time.Duration
	CreatedAt   time.Time
	Skipped     chan int `fact:"-"`
	notExported string
}

type choice struct{ Index int }

func TestFromStruct(t *testing.T) {
	t.Parallel()
	_ = everyType{}.notExported
	got, err := schemas.FromStruct(everyType{}, schemas.StructOptions{OrderBy: []string{"project", "created_at"}})
	require.NoError(t, err)
	require.Equal(t, fact.Schema{
		Name:    "every_type",
		OrderBy: []string{"project", "created_at"},
		Fields: []fact.Field{
			{Name: "id", Type: fact.String, FactID: true},
			{Name: "project", Type: fact.LowCardinalityString, Default: "default"},
			{Name: "plain", Type: fact.String},
			{Name: "http_status", Type: fact.UInt16},
			{Name: "p95_latency", Type: fact.Float32},
			{Name: "count", Type: fact.Int64},
			{Name: "total", Type: fact.UInt64},
			{Name: "i8", Type: fact.Int8},
			{Name: "i16", Type: fact.Int16},
			{Name: "i32", Type: fact.Int32},
			{Name: "i64", Type: fact.Int64},
			{Name: "u8", Type: fact.UInt8},
			{Name: "u32", Type: fact.UInt32},
			{Name: "u64", Type: fact.UInt64},
			{Name: "rate", Type: fact.Float64},
			{Name: "ok", Type: fact.Bool, Comment: "Whether it went well"},
			{Name: "prompt_tokens", Type: fact.UInt32, Default: int64(0)},
			{Name: "price", Type: fact.Decimal, Precision: 18, Scale: 6, Default: json.Number("1.5")},
			{Name: "exact", Type: fact.Decimal, Precision: 10, Scale: 2},
			{Name: "state", Type: fact.Enum, Values: []string{"open", "closed"}, Default: "open"},
			{Name: "key", Type: fact.UUID},
			{Name: "other", Type: fact.UUID},
			{Name: "score", Type: fact.Float64, Nullable: true},
			{Name: "note", Type: fact.String, Nullable: true},
			{Name: "tags", Type: fact.LowCardinalityString, Array: true, Default: []any{"a", "b"}},
			{Name: "times", Type: fact.DateTime64, Array: true},
			{Name: "labels", Type: fact.StringMap},
			{Name: "raw", Type: fact.JSON, Default: json.RawMessage(`{"a":1}`)},
			{Name: "maybe_raw", Type: fact.JSON, Nullable: true},
			{Name: "anything", Type: fact.JSON},
			{Name: "choices", Type: fact.JSON},
			{Name: "body", Type: fact.NativeJSON},
			{Name: "day", Type: fact.Date},
			{Name: "took", Type: fact.Int64},
			{Name: "created_at", Type: fact.DateTime64},
		},
	}, got)
	_, err = ddl.NewTable(got, ddl.Options{})
	require.NoError(t, err)

	fromPointer, err := schemas.FromStruct((*everyType)(nil), schemas.StructOptions{Name: "mine"})
	require.NoError(t, err)
	require.Equal(t, "mine", fromPointer.Name)
	require.Equal(t, got.Fields, fromPointer.Fields)
}

func TestFromStructWords(t *testing.T) {
	t.Parallel()
	type row struct {
		Tokens  int       `fact:"tokens,uint32,quoted,from=response.\"us,age\".tokens,null=default"`
		Score   *float64  `fact:"score,nan=null"`
		Text    string    `fact:"text, from=a.b, surrogates=replace"`
		Created time.Time `fact:"created,unit=ns,precision=9"`
	}
	got, err := schemas.FromStruct(row{}, schemas.StructOptions{OrderBy: []string{"tokens"}, ReplaceBy: "created"})
	require.NoError(t, err)
	require.Equal(t, fact.Schema{
		Name: "row", OrderBy: []string{"tokens"}, ReplaceBy: "created",
		Fields: []fact.Field{
			{Name: "tokens", Type: fact.UInt32, Quoted: true, From: `response."us,age".tokens`, NullIsDefault: true},
			{Name: "score", Type: fact.Float64, Nullable: true, NaNIsNull: true},
			{Name: "text", Type: fact.String, From: "a.b", ReplaceSurrogates: true},
			{Name: "created", Type: fact.DateTime64, Unit: fact.Nanoseconds, Precision: 9},
		},
	}, got)
}

func TestFromStructRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"nil", nil, "struct <nil>: want a struct or a pointer to one"},
		{"map", map[string]any{}, "struct map[string]interface {}: want a struct or a pointer to one"},
		{"no name", struct{ A string }{}, `schema "": name is empty`},
		{"no fields", struct{ a string }{}, "has no fields: give it at least one"},
		{"other word", struct {
			A float64 `fact:"a,nan=zero"`
		}{}, `field A: option "nan" is null, or left out`},
		{"flag with a value", struct {
			A float64 `fact:"a,quoted=true"`
		}{}, `field A: option "quoted" takes no value`},
		{"unknown unit", struct {
			A time.Time `fact:"a,unit=h"`
		}{}, `has the unit "h": use s, ms, us or ns`},
		{"unknown option", struct {
			A string `fact:"a,nulable"`
		}{}, `field A: unknown option or type "nulable", did you mean "nullable"?`},
		{"unknown type", struct {
			A string `fact:"a,varchar"`
		}{}, `field A: unknown option or type "varchar": known are string,`},
		{"unknown key", struct {
			A string `fact:"a,precison=3"`
		}{}, `field A: unknown option "precison", did you mean "precision"?`},
		{"flag with a value", struct {
			A string `fact:"a,nullable=true"`
		}{}, `field A: option "nullable" takes no value`},
		{"key without a value", struct {
			A string `fact:"a,default"`
		}{}, `field A: option "default" needs a value, as in default=...`},
		{"not a number", struct {
			A string `fact:"a,decimal,precision=x"`
		}{}, `field A: option "precision" wants a whole number, got "x"`},
		{"option twice", struct {
			A string `fact:"a,nullable,nullable"`
		}{}, `field A: option "nullable" is there twice`},
		{"two types", struct {
			A string `fact:"a,uuid,json"`
		}{}, `field A: has two types, uuid and json`},
		{"bytes", struct{ A []byte }{}, `field A: Go type []uint8 may be text, JSON or numbers`},
		{"pointer to pointer", struct{ A **string }{}, `field A: a pointer to a pointer has no meaning`},
		{"channel", struct{ A chan int }{}, `field A: Go type chan int has no JSON: leave the field out`},
		{"interface", struct{ A any }{}, `field A: Go type interface {} has no field type: give one, such as json`},
		{"json.Number without type", struct{ A json.Number }{}, `field A: Go type json.Number has no field type`},
		{"text in a number", struct {
			A string `fact:"a,uint32"`
		}{}, `field A: a field of type uint32 cannot hold the Go type string`},
		{"number in text", struct {
			A int `fact:"a,low_cardinality"`
		}{}, `field A: a field of type low_cardinality_string cannot hold the Go type int`},
		{"number in bool", struct {
			A json.Number `fact:"a,bool"`
		}{}, `field A: a field of type bool cannot hold the Go type json.Number`},
		{"struct in text", struct {
			A choice `fact:"a,string"`
		}{}, `field A: a field of type string cannot hold the Go type schemas_test.choice`},
		{"tag on hidden field", struct {
			a string `fact:"a"`
		}{}, `field a: has a tag but is not exported`},
		{"embedded pointer", struct{ *base }{}, `field base: an embedded pointer may be nil`},
		{"default too large", struct {
			A int `fact:"a,uint8,default=256"`
		}{}, `field A: default of uint8: 256 does not fit into uint8`},
		{"default malformed", struct {
			A string `fact:"a,default=["`
		}{}, `field A: default "["`},
		{"default empty", struct {
			A string `fact:"a,default="`
		}{}, `field A: the default is empty`},
		{"name twice", struct {
			A string
			B string `fact:"a"`
		}{}, `field B: is called "a", as is field A: names must be unique`},
		{"nullable array", struct {
			A *[]string `fact:"a"`
		}{}, `field "a": is a nullable array`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			name := "x"
			if c.name == "no name" {
				name = ""
			}
			_, err := schemas.FromStruct(c.v, schemas.StructOptions{Name: name})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestFromStructReportsEverything(t *testing.T) {
	t.Parallel()
	_, err := schemas.FromStruct(struct {
		A chan int
		B []byte
	}{}, schemas.StructOptions{Name: "x"})
	require.Len(t, strings.Split(err.Error(), "\n"), 2)
	var problem *schemas.StructError
	require.ErrorAs(t, err, &problem)
	require.Equal(t, "A", problem.Field)
}
