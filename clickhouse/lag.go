package clickhouse

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// ObserveLag makes the gauge factload.log.lag, with the attribute consumer: how many
// positions of a log have not been handled yet. Lag is the method Lag of a
// [fact.Pipeline] that follows, or of a [fact.Subscription]; it is called whenever the
// metrics are read. Unregister the result when the log is closed.
func ObserveLag(meters metric.MeterProvider, consumer string, lag func(context.Context) (int64, error)) (metric.Registration, error) {
	meter := meters.Meter("github.com/factload/factload/clickhouse")
	gauge, err := meter.Int64ObservableGauge("factload.log.lag", metric.WithUnit("{position}"),
		metric.WithDescription("Positions of the log that the consumer has not handled yet"))
	if err != nil {
		return nil, fmt.Errorf("observe lag: %w", err)
	}
	attrs := metric.WithAttributes(attribute.String("consumer", consumer))
	return meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		n, err := lag(ctx)
		if err != nil {
			return fmt.Errorf("lag of %q: %w", consumer, err)
		}
		o.ObserveInt64(gauge, n, attrs)
		return nil
	}, gauge)
}
