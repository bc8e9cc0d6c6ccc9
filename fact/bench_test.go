package fact_test

import (
	"context"
	"testing"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func benchmarkFact() fact.Fact {
	return fact.Fact{Schema: "message", Data: map[string]any{
		"conversation_id": "c-0001", "role": "assistant", "model": "m-large", "prompt_tokens": 812, "score": 0.75,
		"text": "A reply of ordinary length, with <some> \"characters\" that need care.",
	}}
}

func BenchmarkMemoryStoreAppend(b *testing.B) {
	nothing := storetest.ProjectorFunc(func(context.Context, fact.Event) error { return nil })
	for name, opts := range map[string][]fact.Option{
		"plain":     nil,
		"projector": {fact.WithProjector(nothing)},
	} {
		b.Run(name, func(b *testing.B) {
			store := fact.NewMemoryStore(opts...)
			e, err := fact.NewEvent("s", benchmarkFact())
			if err != nil {
				b.Fatal(err)
			}
			batch := []fact.Event{e}
			b.SetBytes(int64(len(e.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := store.Append(b.Context(), "s", batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemoryStoreAppendBatch appends a hundred events at a time.
func BenchmarkMemoryStoreAppendBatch(b *testing.B) {
	e, err := fact.NewEvent("s", benchmarkFact())
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]fact.Event, 100)
	for i := range batch {
		batch[i] = e
	}
	var store *fact.MemoryStore
	n := 0
	for b.Loop() {
		if n++; store == nil || n%10_000 == 0 {
			store = fact.NewMemoryStore() // a million events are enough
		}
		if err := store.Append(b.Context(), "s", batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkPipelineRecord(b *testing.B) {
	p := fact.NewPipeline(fact.WithStore(fact.NewMemoryStore(), "s"))
	f := benchmarkFact()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := p.Record(context.Background(), f); err != nil {
				b.Error(err)
			}
		}
	})
}

// benchmarkStruct carries what benchmarkFact does.
type benchmarkStruct struct {
	ConversationID, Role, Model string
	PromptTokens                int
	Score                       float64
	Text                        string
}

// BenchmarkNewEvent encodes a fact for the log, from a map and from a struct.
func BenchmarkNewEvent(b *testing.B) {
	asStruct := fact.Fact{Schema: "message", ID: "1", Value: &benchmarkStruct{
		ConversationID: "c-0001", Role: "assistant", Model: "m-large", PromptTokens: 812, Score: 0.75,
		Text: "A reply of ordinary length, with <some> \"characters\" that need care.",
	}}
	asMap := benchmarkFact()
	asMap.ID = "1"
	for _, c := range []struct {
		name string
		fact *fact.Fact
	}{{"map", &asMap}, {"struct", &asStruct}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fact.NewEvent("s", c.fact); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemoryStoreBatches appends batches of 100 events.
func BenchmarkMemoryStoreBatches(b *testing.B) {
	const n = 100
	batch := make([]fact.Event, n)
	for i := range batch {
		batch[i] = fact.Event{Type: "message", Data: []byte(`{"role":"user","tokens":12,"text":"A question of some length."}`)}
	}
	store := fact.NewMemoryStore()
	b.ReportAllocs()
	for b.Loop() {
		if err := store.Append(b.Context(), "s", batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
}
