package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/chconn"
)

// scope is the name of the instrumentation.
const scope = "github.com/factload/factload/clickhouse"

// Metrics are the metrics of a Materializer. docs/recording.md lists them.
type Metrics struct {
	rows, bytes, inserts, retries, failed, lost, refused metric.Int64Counter
	insertRows                                           metric.Int64Histogram
	insertTime, waitTime                                 metric.Float64Histogram

	pendingRows, pendingBytes, parts metric.Int64ObservableGauge
	pace                             metric.Float64ObservableGauge

	meter  metric.Meter
	tracer trace.Tracer // nil: no spans
}

// NewMetrics returns the metrics of the given providers. Nil means that nothing
// is measured or traced.
func NewMetrics(meters metric.MeterProvider, tracers trace.TracerProvider) (*Metrics, error) {
	if meters == nil {
		meters = metricnoop.NewMeterProvider()
	}
	i := &Metrics{meter: meters.Meter(scope)}
	if tracers != nil {
		i.tracer = tracers.Tracer(scope)
	}
	var problems []error
	counter := func(name, unit, text string) metric.Int64Counter {
		c, err := i.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(text))
		problems = append(problems, err)
		return c
	}
	seconds := func(name, text string) metric.Float64Histogram {
		h, err := i.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(text),
			metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120))
		problems = append(problems, err)
		return h
	}
	gauge := func(name, unit, text string) metric.Int64ObservableGauge {
		g, err := i.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(text))
		problems = append(problems, err)
		return g
	}
	i.rows = counter("factload.rows", "{row}", "Rows stored")
	i.bytes = counter("factload.bytes", "By", "Bytes of the rows stored, as they were encoded")
	i.inserts = counter("factload.inserts", "{insert}", "Inserts sent, by outcome")
	i.retries = counter("factload.retries", "{retry}", "Repetitions, by the class of the error before")
	i.failed = counter("factload.rows.failed", "{row}", "Rows whose callers got an error, by its class")
	i.lost = counter("factload.rows.lost", "{row}", "Buffered rows given up, by the class of the error")
	i.refused = counter("factload.tables.refused", "{table}", "Tables that differ from their schema and were left as they are")
	i.insertTime = seconds("factload.insert.duration", "Time of one insert")
	i.waitTime = seconds("factload.wait.duration", "Time from a call's rows being accepted to their answer")
	i.pendingRows = gauge("factload.pending.rows", "{row}", "Rows accepted and not yet answered")
	i.pendingBytes = gauge("factload.pending.bytes", "By", "Bytes accepted and not yet answered")
	i.parts = gauge("factload.parts.active", "{part}", "Active parts in the fullest partition, when last counted")
	var err error
	i.insertRows, err = i.meter.Int64Histogram("factload.insert.rows", metric.WithUnit("{row}"), metric.WithDescription("Rows of one insert"),
		metric.WithExplicitBucketBoundaries(1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000))
	problems = append(problems, err)
	i.pace, err = i.meter.Float64ObservableGauge("factload.pace", metric.WithUnit("s"), metric.WithDescription("Shortest interval between the starts of small inserts"))
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return i, nil
}

// tableMetrics counts what happens to the rows of one table. It is safe for
// concurrent use.
type tableMetrics struct {
	*Metrics
	table  attribute.KeyValue
	attrs  metric.MeasurementOption
	adding []metric.AddOption
	record []metric.RecordOption

	rowsStored, bytesStored, insertsStored, repetitions, rowsFailed, rowsLost atomic.Int64
}

func (i *Metrics) of(table string) *tableMetrics {
	t := &tableMetrics{Metrics: i, table: attribute.String("table", table)}
	t.attrs = metric.WithAttributeSet(attribute.NewSet(t.table))
	t.adding = []metric.AddOption{t.attrs}
	t.record = []metric.RecordOption{t.attrs}
	return t
}

// with returns the table's attributes and one more.
func (t *tableMetrics) with(key, value string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(t.table, attribute.String(key, value)))
}

// inserted is told of one insert and what became of it.
func (t *tableMetrics) inserted(ctx context.Context, rows *block.Block, took time.Duration, err error) {
	t.inserts.Add(ctx, 1, t.with("outcome", className(err)))
	t.insertTime.Record(ctx, took.Seconds(), t.record...)
	if err != nil {
		return
	}
	n, bytes := int64(rows.Rows()), int64(rows.Bytes())
	t.insertsStored.Add(1)
	t.rowsStored.Add(n)
	t.bytesStored.Add(bytes)
	t.rows.Add(ctx, n, t.adding...)
	t.bytes.Add(ctx, bytes, t.adding...)
	t.insertRows.Record(ctx, n, t.record...)
}

// retried is told that something is tried again.
func (t *tableMetrics) retried(ctx context.Context, err error) {
	t.repetitions.Add(1)
	t.retries.Add(ctx, 1, t.with("class", className(err)))
}

// answered is told that a call has its result.
func (t *tableMetrics) answered(ctx context.Context, c *call) {
	t.waitTime.Record(ctx, time.Since(c.joined).Seconds(), t.record...)
}

// callFailed is told of rows whose caller gets an error.
func (t *tableMetrics) callFailed(ctx context.Context, rows int, err error) {
	t.rowsFailed.Add(int64(rows))
	t.failed.Add(ctx, int64(rows), t.with("class", className(err)))
}

// gaveUp is told of buffered rows that are not stored, or perhaps not.
func (t *tableMetrics) gaveUp(ctx context.Context, rows int, err error) {
	t.rowsLost.Add(int64(rows))
	t.lost.Add(ctx, int64(rows), t.with("class", className(err)))
}

// className returns what metrics call the class of an error.
func className(err error) string {
	switch {
	case err == nil:
		return "stored"
	case errors.Is(err, chconn.ErrAmbiguous):
		return "ambiguous"
	case errors.Is(err, chconn.ErrClosed):
		return "closed"
	case errors.Is(err, chconn.ErrSchema):
		return "schema"
	case errors.Is(err, chconn.ErrRejected):
		return "rejected"
	case errors.Is(err, chconn.ErrRetryable):
		return "retryable"
	}
	return "cancelled"
}

// Observe lets the meter read the gauges of the writers.
func (i *Metrics) Observe(writers func() []*Writer) (metric.Registration, error) {
	return i.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, w := range writers() {
			s := w.Stats()
			o.ObserveInt64(i.pendingRows, s.PendingRows, w.metrics.attrs)
			o.ObserveInt64(i.pendingBytes, s.PendingBytes, w.metrics.attrs)
			o.ObserveInt64(i.parts, int64(s.ActiveParts), w.metrics.attrs)
			o.ObserveFloat64(i.pace, s.Pace.Seconds(), w.metrics.attrs)
		}
		return nil
	}, i.pendingRows, i.pendingBytes, i.parts, i.pace)
}

// Refused counts a table that is left as it is, since changing it was not
// permitted or is not possible.
func (i *Metrics) Refused(ctx context.Context, table string) {
	i.refused.Add(ctx, 1, metric.WithAttributes(attribute.String("table", table)))
}
