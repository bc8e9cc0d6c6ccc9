package fact

// Option changes a MemoryStore that is being made.
type Option func(*MemoryStore)

// WithProjector adds a projector. Projectors run in the order in which they
// were added. Nil is ignored.
func WithProjector(p Projector) Option {
	return func(s *MemoryStore) {
		if p != nil {
			s.projectors = append(s.projectors, p)
		}
	}
}

// WithPublisher adds a publisher. Nil is ignored.
func WithPublisher(p Publisher) Option {
	return func(s *MemoryStore) {
		if p != nil {
			s.publishing.publishers = append(s.publishing.publishers, p)
		}
	}
}

// WithPublishErrorHandler sets the function that is told what could not be
// published, besides slog: the error is a [*PublishError] that holds the
// events. It is called on the goroutine of a publisher or, when a queue is
// full, on that of Append after the commit; so it should be quick, and safe
// for concurrent use. A panic in it is logged.
func WithPublishErrorHandler(handler func(error)) Option {
	return func(s *MemoryStore) { s.publishing.onError = handler }
}

// WithPublishQueue sets how many events may wait for each publisher
// ([DefaultPublishQueue] by default; less than 1 is taken as 1). The queue
// costs no copies of the events. The events of one commit stay together, and
// are taken as a whole when nothing else is waiting. When they do not fit they
// are not published to that publisher, and reported as a [*PublishError] with
// [ErrQueueFull]. Append neither waits nor fails for that.
func WithPublishQueue(events int) Option {
	return func(s *MemoryStore) { s.publishing.limit = max(events, 1) }
}
