package memstore

import "github.com/factload/factload/fact/eventlog"

// Option changes a Store that is being made.
type Option func(*Store)

// WithProjector adds a projector. Projectors run in the order in which they
// were added. Nil is ignored.
func WithProjector(p eventlog.Projector) Option {
	return func(s *Store) {
		s.projectors = append(s.projectors, p)
	}
}

// WithPublisher adds a publisher. Nil is ignored.
func WithPublisher(p eventlog.Publisher) Option {
	return func(s *Store) {
		s.publishing.Publishers = append(s.publishing.Publishers, p)
	}
}

// WithPublishErrorHandler sets the function that is told what could not be
// published, besides slog: the error is a [*eventlog.PublishError] that holds the
// events. It is called on the goroutine of a publisher or, when a queue is
// full, on that of Append after the commit; so it should be quick, and safe
// for concurrent use. A panic in it is logged.
func WithPublishErrorHandler(handler func(error)) Option {
	return func(s *Store) { s.publishing.OnError = handler }
}

// WithPublishQueue sets how many events may wait for each publisher
// ([eventlog.DefaultPublishQueue] by default; less than 1 is taken as 1). The queue
// costs no copies of the events. The events of one commit stay together, and
// are taken as a whole when nothing else is waiting. When they do not fit they
// are not published to that publisher, and reported as a [*eventlog.PublishError] with
// [eventlog.ErrQueueFull]. Append neither waits nor fails for that.
func WithPublishQueue(events int) Option {
	return func(s *Store) { s.publishing.Limit = max(events, 1) }
}
