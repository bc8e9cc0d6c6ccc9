package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/factload/factload/clickhouse/internal/retry"
)

// meters is a Meter that keeps the sums of what it is told, by the
// name of the metric and its attributes other than the table.
type meters struct {
	metricnoop.Meter
	mu       sync.Mutex
	sums     map[string]float64
	callback metric.Callback
	fails    string // the metric that cannot be made
}

// meterProvider is the provider of one meter.
type meterProvider struct {
	metricnoop.MeterProvider
	meter metric.Meter
}

func (p meterProvider) Meter(name string, _ ...metric.MeterOption) metric.Meter {
	if name != "github.com/factload/factload/clickhouse" {
		panic(name)
	}
	return p.meter
}

func (m *meters) add(name string, n float64, options ...metric.AddOption) {
	m.mu.Lock()
	defer m.mu.Unlock()
	set := metric.NewAddConfig(options).Attributes()
	if table, ok := set.Value("table"); !ok || table.AsString() != idSchema.Name {
		panic("no table")
	}
	for _, key := range []string{"class", "outcome"} {
		if v, ok := set.Value(attribute.Key(key)); ok {
			name += " " + v.AsString()
		}
	}
	if m.sums == nil {
		m.sums = make(map[string]float64)
	}
	m.sums[name] += n
}

func (m *meters) made(name string) error {
	if name == m.fails {
		return errors.New(name + " cannot be made")
	}
	return nil
}

func (m *meters) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return &counting{meters: m, name: name}, m.made(name)
}

func (m *meters) Int64Histogram(name string, _ ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	return &histogram{meters: m, name: name}, m.made(name)
}

func (m *meters) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return &seconds{meters: m, name: name}, m.made(name)
}

func (m *meters) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.callback = f
	return &registration{meters: m}, nil
}

type registration struct {
	metricnoop.Registration
	meters *meters
}

func (r *registration) Unregister() error {
	r.meters.callback = nil
	return nil
}

type counting struct {
	metricnoop.Int64Counter
	meters *meters
	name   string
}

func (c *counting) Add(_ context.Context, n int64, o ...metric.AddOption) {
	c.meters.add(c.name, float64(n), o...)
}

type histogram struct {
	metricnoop.Int64Histogram
	meters *meters
	name   string
}

func (h *histogram) Record(_ context.Context, n int64, _ ...metric.RecordOption) {
	h.meters.observe(h.name, float64(n))
}

type seconds struct {
	metricnoop.Float64Histogram
	meters *meters
	name   string
}

func (s *seconds) Record(_ context.Context, n float64, _ ...metric.RecordOption) {
	s.meters.observe(s.name, n)
}

// observe keeps the sum of a histogram.
func (m *meters) observe(name string, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums[name] += n
}

// gauges is an Observer that counts what it is told.
type gauges struct {
	metricnoop.Observer
	ints   []int64
	floats []float64
}

func (g *gauges) ObserveInt64(_ metric.Int64Observable, n int64, _ ...metric.ObserveOption) {
	g.ints = append(g.ints, n)
}

func (g *gauges) ObserveFloat64(_ metric.Float64Observable, n float64, _ ...metric.ObserveOption) {
	g.floats = append(g.floats, n)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{counted: 7}
		tries := 0
		s.answer = func(ctx context.Context, ids []string) (error, bool) {
			retry.Sleep(ctx, time.Second)
			switch tries++; {
			case tries == 1:
				return retryable(), false
			case ids[0] == "bad":
				return rejected(), false
			}
			return nil, true
		}
		to := &meters{}
		m := intoMemory(t, Config{MeterProvider: meterProvider{meter: to}, Pace: time.Second}, s)
		require.NoError(t, m.Materialize(t.Context(), idFacts("a", 3)...))
		require.ErrorIs(t, m.Materialize(t.Context(), idFact("bad"), idFact("b")), ErrRejected)
		synctest.Wait()
		for name, want := range map[string]float64{
			"factload.rows": 3, "factload.inserts stored": 1, "factload.inserts retryable": 1, "factload.inserts rejected": 1,
			"factload.retries retryable": 1, "factload.rows.failed rejected": 2, "factload.rows.lost rejected": 0,
			"factload.insert.rows": 3, "factload.insert.duration": 3,
		} {
			require.InDelta(t, want, to.sums[name], 1e-9, "%s of %v", name, to.sums)
		}
		require.Positive(t, to.sums["factload.bytes"])
		require.Greater(t, to.sums["factload.wait.duration"], 3.0)

		go func() { _ = m.Materialize(t.Context(), idFact("pending")) }()
		require.True(t, retry.Sleep(t.Context(), 100*time.Millisecond))
		g := &gauges{}
		require.NoError(t, to.callback(t.Context(), g))
		require.EqualValues(t, []int64{1, m.Stats()[0].PendingBytes, 7}, g.ints)
		require.InDelta(t, 0.999, g.floats[0], 1e-9)
		require.NoError(t, m.Close(t.Context()))
		require.Nil(t, to.callback)
	})
	_, err := New(Config{DSN: "clickhouse://h/db", MeterProvider: meterProvider{meter: &meters{fails: "factload.retries"}}})
	require.ErrorContains(t, err, "materializer config: metrics: factload.retries cannot be made")
}

// spans is a Tracer that keeps the spans.
type spans struct {
	tracenoop.Tracer
	mu  sync.Mutex
	all []*span
}

type span struct {
	tracenoop.Span
	name   string
	id     trace.SpanContext
	links  []trace.Link
	status codes.Code
	ended  bool
}

// tracerProvider is the provider of one tracer.
type tracerProvider struct {
	tracenoop.TracerProvider
	tracer trace.Tracer
}

func (p tracerProvider) Tracer(string, ...trace.TracerOption) trace.Tracer { return p.tracer }

func (s *spans) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	config := trace.NewSpanStartConfig(options...)
	sp := &span{name: name, links: config.Links(), id: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{byte(len(s.all) + 1)},
	})}
	s.all = append(s.all, sp)
	return trace.ContextWithSpan(ctx, sp), sp
}

func (s *span) SpanContext() trace.SpanContext      { return s.id }
func (s *span) SetStatus(code codes.Code, _ string) { s.status = code }
func (s *span) End(...trace.SpanEndOption)          { s.ended = true }

func TestSpans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memorySink{}
		s.answer = func(ctx context.Context, ids []string) (error, bool) {
			retry.Sleep(ctx, time.Millisecond)
			if ids[0] == "bad" {
				return rejected(), false
			}
			return nil, true
		}
		to := &spans{}
		m := intoMemory(t, Config{TracerProvider: tracerProvider{tracer: to}}, s)
		first := make(chan error, 1)
		go func() { first <- m.Materialize(t.Context(), idFact("first")) }()
		synctest.Wait() // it is sent alone, and those that follow wait for it
		requireAllNil(t, together(40, func(i int) error { return m.Materialize(t.Context(), idFact(fmt.Sprint(i))) }))
		require.NoError(t, <-first)
		require.Error(t, m.Materialize(t.Context(), idFact("bad")))
		calls, links, failed := 0, 0, 0
		for _, sp := range to.all {
			require.True(t, sp.ended)
			if sp.status == codes.Error {
				failed++
			}
			if sp.name == "factload.materialize" {
				calls++
				continue
			}
			require.Equal(t, "factload.insert", sp.name)
			links = max(links, len(sp.links))
			for _, link := range sp.links {
				require.True(t, link.SpanContext.IsValid())
			}
		}
		require.Equal(t, 42, calls)
		require.Equal(t, 32, links, "not all of them")
		require.Equal(t, 2, failed, "the call and its insert")
	})
}
