package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interruption is why a command ended that was told to by a signal.
type Interruption struct {
	Signal syscall.Signal
	Advice string // how to go on; may be empty
}

func (i *Interruption) Error() string {
	if i.Advice == "" {
		return "interrupted"
	}
	return "interrupted: " + i.Advice
}

// Is reports whether target is what contexts that are cancelled say.
func (i *Interruption) Is(target error) bool { return target == context.Canceled }

// UntilSignal returns a context that ends with an *interruption as its cause
// when a signal comes that asks the program to end. The next one kills. Stop
// gives the signals back.
func UntilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case s := <-signals:
			signal.Stop(signals)
			number, _ := s.(syscall.Signal)
			cancel(&Interruption{Signal: number})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-ended
	}
}
