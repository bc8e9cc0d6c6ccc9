package fact

import (
	"context"
	"fmt"
	"sync"

	"github.com/factload/factload/fact/internal/publish"
)

// Pipeline records facts: into a raw log, into tables and to publishers. Each
// of the three is optional. It is safe for concurrent use. The zero value is
// not usable: call [NewPipeline].
//
// Publishing is done in the background, by a queue and at most one goroutine
// for each publisher, as [MemoryStore] does it. Use Flush to wait for it, and
// Close at the end. A Pipeline closes neither its store nor its materializer.
type Pipeline struct {
	store        EventStore // may be nil
	stream       string
	materializer Materializer // may be nil
	publishing   publish.Config
	publishers   *publish.Set
	inflight     inflight
	follow       *Follow // nil: Record materializes
	once         bool    // AppendOnce instead of Append

	mu      sync.RWMutex
	schemas map[string]knownSchema // given to EnsureSchemas
}

var _ Flusher = (*Pipeline)(nil)

// PipelineOption changes a Pipeline that is being made.
type PipelineOption func(*Pipeline)

// WithStore makes Record append the facts to the stream of the store. The
// last one given counts. A nil store only names the stream that published
// events carry.
func WithStore(store EventStore, stream string) PipelineOption {
	return func(p *Pipeline) { p.store, p.stream = store, stream }
}

// WithIdempotentLog makes Record append only those facts whose IDs their stream
// does not have yet, so that a Record can be repeated when nobody knows what became
// of it: give the facts IDs of your own. The store has to be an
// [IdempotentAppender]. Rows are stored as [MissingMaterializer] does, if the
// materializer is one, and publishers hear of the events again. A fact whose ID is
// there is taken for the same fact, also with other values: the first one stays.
func WithIdempotentLog() PipelineOption {
	return func(p *Pipeline) { p.once = true }
}

// WithMaterializer makes Record store the facts as rows. The last one given
// counts, and nil means none.
func WithMaterializer(m Materializer) PipelineOption {
	return func(p *Pipeline) { p.materializer = m }
}

// WithPipelinePublisher adds a publisher of the recorded facts. Nil is ignored.
func WithPipelinePublisher(pub Publisher) PipelineOption {
	return func(p *Pipeline) {
		p.publishing.Publishers = append(p.publishing.Publishers, pub)
	}
}

// WithPipelinePublishErrorHandler is [WithPublishErrorHandler] for a Pipeline.
func WithPipelinePublishErrorHandler(handler func(error)) PipelineOption {
	return func(p *Pipeline) { p.publishing.OnError = handler }
}

// WithPipelinePublishQueue is [WithPublishQueue] for a Pipeline.
func WithPipelinePublishQueue(events int) PipelineOption {
	return func(p *Pipeline) { p.publishing.Limit = max(events, 1) }
}

// NewPipeline returns a pipeline with the given parts. It starts no goroutine
// and connects to nothing.
func NewPipeline(opts ...PipelineOption) *Pipeline {
	p := &Pipeline{schemas: make(map[string]knownSchema)}
	for _, opt := range opts {
		if opt != nil {
			opt(p)
		}
	}
	p.publishers = publish.NewSet(p.publishing)
	return p
}

// knownSchema is a schema that EnsureSchemas was given. It is never changed.
type knownSchema struct {
	encoder *Encoder
	ready   bool // EnsureSchemas has succeeded with it
}

// EnsureSchemas makes the schemas known to the materializer, which checks them
// and gets their tables ready, and remembers them: Record looks in them for the
// field that carries the fact ID. Call it once at the start; it may be called
// again. Without a materializer nothing checks the schemas; see
// [Schema.Validate].
//
// The schemas are remembered when the materializer fails, too, as it may get
// ready later, unless another one of the same name is: that one stays then.
func (p *Pipeline) EnsureSchemas(ctx context.Context, schemas ...Schema) error {
	if len(schemas) == 0 {
		return nil
	}
	var err error
	if p.materializer != nil {
		if err = p.materializer.EnsureSchema(ctx, schemas...); err != nil {
			err = fmt.Errorf("ensure schemas: %w", err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range schemas {
		if err == nil || !p.schemas[s.Name].ready {
			p.schemas[s.Name] = knownSchema{encoder: NewEncoder(s), ready: err == nil}
		}
	}
	return err
}

// knows reports whether EnsureSchemas was given the schema.
func (p *Pipeline) knows(schema string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.schemas[schema]
	return ok
}

// encoder returns the encoder of the remembered schema, or the one for any.
func (p *Pipeline) encoder(schema string) *Encoder {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if known, ok := p.schemas[schema]; ok {
		return known.encoder
	}
	return anySchema
}

// Flush waits until everything that was recorded before the call has been
// handed to the publishers, and they have returned. It returns the ctx's error
// when that ends first. It must not be called by a publisher.
func (p *Pipeline) Flush(ctx context.Context) error {
	return p.publishers.Flush(ctx)
}

// Close waits for the running calls of Record and then for the publishers.
// Record fails with [ErrClosed] from then on.
//
// When ctx ends while publishers are busy, Close cancels the ctx of the running
// calls of Publish, reports the events that are still waiting to the error
// handler, and returns an error that counts them. When it ends while Record is
// running, Close may be called again. It must not be called by a publisher.
func (p *Pipeline) Close(ctx context.Context) error {
	if err := p.inflight.close(ctx); err != nil {
		return fmt.Errorf("close pipeline: wait for record: %w", err)
	}
	if err := p.publishers.Close(ctx); err != nil {
		return fmt.Errorf("close pipeline: %w", err)
	}
	return nil
}
