package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interruption is why a command ended that was told to by a signal.
type interruption struct {
	signal syscall.Signal
	advice string // how to go on; may be empty
}

func (i *interruption) Error() string {
	if i.advice == "" {
		return "interrupted"
	}
	return "interrupted: " + i.advice
}

// Is reports whether target is what contexts that are cancelled say.
func (i *interruption) Is(target error) bool { return target == context.Canceled }

// adviceOf says for each command how to go on after an interruption, where it
// has left something undone.
var adviceOf = map[string]string{
	"load":   "run the same load again to go on",
	"replay": "run it again to go on",
	"apply":  "run it again to go on",
}

// untilSignal returns a context that ends with an *interruption as its cause
// when a signal comes that asks the program to end. The next one kills. Stop
// gives the signals back.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
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
			cancel(&interruption{signal: number})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-ended
	}
}
