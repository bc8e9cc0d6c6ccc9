package groupcommit

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// maxLinks is how many callers an insert's span is linked with.
const maxLinks = 32

// callBegins starts the span of one call and one table.
func (t *tableMetrics) callBegins(ctx context.Context, rows int) (context.Context, trace.Span) {
	if t.tracer == nil {
		return ctx, nil
	}
	return t.tracer.Start(ctx, "factload.materialize", trace.WithAttributes(t.table, attribute.Int("rows", rows)))
}

// insertBegins starts the span of a batch. It has no parent, since many
// calls may wait for it, and links to the spans of these calls.
func (t *tableMetrics) insertBegins(ctx context.Context, b *Batch) (context.Context, trace.Span) {
	if t.tracer == nil {
		return ctx, nil
	}
	var links []trace.Link
	for _, c := range b.calls {
		if c.span.IsValid() && len(links) < maxLinks {
			links = append(links, trace.Link{SpanContext: c.span})
		}
	}
	return t.tracer.Start(ctx, "factload.insert", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(links...),
		trace.WithAttributes(t.table, attribute.Int("rows", b.rows.Rows()), attribute.Int("calls", len(b.calls))))
}

// endSpan ends a span, if there is one.
func endSpan(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, className(err)) // the text may be long and is in the log
	}
	span.End()
}
