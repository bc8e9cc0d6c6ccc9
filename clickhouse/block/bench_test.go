package block

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
)

// shape is a kind of row that the benchmarks measure.
type shape struct {
	name   string
	schema fact.Schema
	line   func(r *rand.Rand, i int) string
}

var shapes = []shape{
	{"chat", chatSchema, chatLine},
	{"eval", evalSchema, evalLine},
	{"wide", wideSchema(), wideLine},
	{"nested", nestedSchema(), nestedLine},
}

var chatSchema = fact.Schema{
	Name: "message",
	Fields: []fact.Field{
		{Name: "conversation_id", Type: fact.String},
		{Name: "message_id", Type: fact.String},
		{Name: "role", Type: fact.LowCardinalityString},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "content", Type: fact.String},
		{Name: "prompt_tokens", Type: fact.UInt32},
		{Name: "completion_tokens", Type: fact.UInt32},
		{Name: "latency_ms", Type: fact.Float32},
		{Name: "temperature", Type: fact.Float64, Nullable: true},
		{Name: "flagged", Type: fact.Bool},
		{Name: "tags", Type: fact.String, Array: true},
		{Name: "metadata", Type: fact.JSON},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"conversation_id", "created_at"},
}

var benchWords = strings.Fields(`the model answers a question about weather in the north and then
	explains why "quotes" and \backslashes matter to parsers, naïve or not; tokens, latency, cost`)

func benchText(r *rand.Rand, words int) string {
	var b strings.Builder
	for i := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(benchWords[r.IntN(len(benchWords))])
		if r.IntN(20) == 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func chatLine(r *rand.Rand, i int) string {
	text, _ := json.Marshal(benchText(r, 8+r.IntN(30)))
	temperature := "null"
	if r.IntN(2) == 0 {
		temperature = fmt.Sprintf("%.2f", r.Float64())
	}
	return fmt.Sprintf(`{"conversation_id":"%016x","message_id":"%032x","role":"%s","model":"model-%d","content":%s,`+
		`"prompt_tokens":%d,"completion_tokens":%d,"latency_ms":%.3f,"temperature":%s,"flagged":%v,"tags":["a","tag-%d"],`+
		`"metadata":{"client":"web","v":%d},"created_at":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ"}`,
		r.Uint64(), i, []string{"user", "assistant", "tool"}[r.IntN(3)], r.IntN(7), text,
		r.IntN(4000), r.IntN(2000), r.Float64()*3000, temperature, r.IntN(10) == 0, r.IntN(20),
		r.IntN(9), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
}

var evalSchema = fact.Schema{
	Name: "eval_result",
	Fields: []fact.Field{
		{Name: "run_id", Type: fact.UUID},
		{Name: "case_id", Type: fact.UInt32},
		{Name: "model", Type: fact.LowCardinalityString},
		{Name: "category", Type: fact.LowCardinalityString},
		{Name: "passed", Type: fact.Bool},
		{Name: "score", Type: fact.Float64},
		{Name: "latency_ms", Type: fact.UInt32},
		{Name: "input_tokens", Type: fact.UInt32},
		{Name: "output_tokens", Type: fact.UInt32},
		{Name: "attempt", Type: fact.UInt8},
		{Name: "cost", Type: fact.Decimal, Precision: 18, Scale: 6},
		{Name: "seed", Type: fact.Int64},
		{Name: "day", Type: fact.Date},
		{Name: "created_at", Type: fact.DateTime64},
	},
	OrderBy: []string{"run_id", "case_id"},
}

func evalLine(r *rand.Rand, i int) string {
	return fmt.Sprintf(`{"run_id": "61f0c404-5cb3-11e7-907b-%012x", "case_id": %d, "model": "model-%d", "category": "cat_%d", "passed": %v, `+
		`"score": %.4f, "latency_ms": %d, "input_tokens": %d, "output_tokens": %d, "attempt": %d, "cost": %.6f, "seed": %d, `+
		`"day": "2026-%02d-%02d", "created_at": "2026-%02d-%02d %02d:%02d:%02d.%03d"}`,
		i/1000, i%1000, r.IntN(7), r.IntN(30), r.IntN(3) > 0,
		r.Float64(), r.IntN(5000), r.IntN(4000), r.IntN(2000), r.IntN(3), r.Float64(), r.Int64(),
		1+r.IntN(12), 1+r.IntN(28), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
}

func wideSchema() fact.Schema {
	s := fact.Schema{Name: "wide", Fields: []fact.Field{{Name: "id", Type: fact.UInt64}}, OrderBy: []string{"id"}}
	types := []fact.FieldType{fact.UInt32, fact.Float64, fact.LowCardinalityString, fact.String, fact.Bool}
	for i := range 99 {
		s.Fields = append(s.Fields, fact.Field{
			Name: fmt.Sprintf("field_%02d", i), Type: types[i%len(types)], Nullable: i%10 == 0,
		})
	}
	return s
}

func wideLine(r *rand.Rand, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%d`, i)
	for i := range 99 {
		if r.IntN(2) == 0 {
			continue
		}
		value := []string{"12345", "0.125", `"value-3"`, `"some short text"`, "true"}[i%5]
		fmt.Fprintf(&b, `,"field_%02d":%s`, i, value)
	}
	return b.String() + "}"
}

func (s *shape) lines(n int) (lines [][]byte, size int64) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		line := []byte(s.line(r, i))
		lines = append(lines, line)
		size += int64(len(line))
	}
	return lines, size
}

const benchRows = 10_000

func BenchmarkAppendJSON(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			lines, size := s.lines(benchRows)
			layout, err := Compile(s.schema, Options{})
			require.NoError(b, err)
			block := layout.NewBlock()
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				block.Reset()
				for _, line := range lines {
					if err := block.AppendJSON(line); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
		})
	}
}

// BenchmarkAppendFact appends the same Go values, as a service records them, in a
// map and in a struct. The map is made anew for each row, as a service makes it,
// or once.
func BenchmarkAppendFact(b *testing.B) {
	m := someMessage()
	m.Content = strings.Repeat("some words of an answer ", 10)
	asMap := func() map[string]any {
		return map[string]any{
			"conversation_id": m.ConversationID, "message_id": m.MessageID, "role": m.Role, "model": m.Model, "content": m.Content,
			"prompt_tokens": m.PromptTokens, "completion_tokens": m.CompletionTokens, "latency_ms": m.LatencyMs, "temperature": m.Temperature,
			"flagged": m.Flagged, "tags": m.Tags, "metadata": m.Metadata, "created_at": m.CreatedAt,
		}
	}
	once := asMap()
	for _, c := range []struct {
		name string
		fact func() fact.Fact
	}{
		{"map", func() fact.Fact { return fact.Fact{Data: asMap()} }},
		{"map-made-once", func() fact.Fact { return fact.Fact{Data: once} }},
		{"struct", func() fact.Fact { return fact.Fact{Value: m} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			layout, err := Compile(chatSchema, Options{})
			require.NoError(b, err)
			block := layout.NewBlock()
			b.ReportAllocs()
			for b.Loop() {
				if block.Rows() == benchRows {
					block.Reset()
				}
				f := c.fact()
				if err := block.Append(&f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(chatSchema.Fields)), "fields")
		})
	}
}

// BenchmarkSkip is the price of checking the JSON alone.
func BenchmarkSkip(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			lines, size := s.lines(benchRows)
			scan := newScanner(DefaultMaxDepth)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range lines {
					scan.reset(line)
					if err := scan.skip(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkJX reads the same lines with jx into nothing: keys and values are
// looked at and dropped.
func BenchmarkJX(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			lines, size := s.lines(benchRows)
			d := jx.GetDecoder()
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range lines {
					d.ResetBytes(line)
					err := d.ObjBytes(func(d *jx.Decoder, _ []byte) error {
						switch d.Next() {
						case jx.String:
							_, err := d.StrBytes()
							return err
						case jx.Number:
							_, err := d.Num()
							return err
						default:
							return d.Skip()
						}
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkEncodingJSON decodes the same lines into maps and stores nothing.
func BenchmarkEncodingJSON(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			lines, size := s.lines(benchRows / 10)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range lines {
					var m map[string]any
					if err := json.NewDecoder(bytes.NewReader(line)).Decode(&m); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// nestedSchema and nestedLine are the chat rows with most of their values two
// objects deeper.
func nestedSchema() fact.Schema {
	s := fact.Schema{Name: "nested", OrderBy: chatSchema.OrderBy}
	for _, f := range chatSchema.Fields {
		switch f.Name {
		case "prompt_tokens", "completion_tokens", "latency_ms", "temperature", "flagged":
			f.From = "response.usage." + f.Name
		case "role", "model", "content":
			f.From = "response.message." + f.Name
		case "conversation_id", "message_id":
			f.From = "request.ids." + f.Name
		case "tags", "metadata":
			f.From = "request.about." + f.Name
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

func nestedLine(r *rand.Rand, i int) string {
	flat := chatLine(r, i)
	take := func(from, to string) string {
		start := strings.Index(flat, `"`+from+`":`)
		if to == "" {
			return flat[start : len(flat)-1]
		}
		return strings.TrimSuffix(flat[start:strings.Index(flat, `"`+to+`":`)], ",")
	}
	return `{"request":{"ids":{` + take("conversation_id", "role") + `},"about":{` + take("tags", "created_at") + `}},"response":{"message":{` +
		take("role", "prompt_tokens") + `},"usage":{` + take("prompt_tokens", "tags") + `}},` + take("created_at", "") + `}`
}
