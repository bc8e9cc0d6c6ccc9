package faultproxy

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// Kind is a way to break a connection.
type Kind int

// The kinds. Cut means that both sides see the end of the connection.
const (
	// Pass breaks nothing.
	Pass Kind = iota
	// Refuse cuts a connection that has just been accepted.
	Refuse
	// CutBeforeSend cuts when the client begins the turn. The server sees
	// nothing of it.
	CutBeforeSend
	// CutMidway passes Bytes of the turn's request and then cuts. A shorter
	// request passes, and the next one is cut.
	CutMidway
	// HalfClose passes Bytes of the turn's request and then ends that direction
	// alone: the server sees the end, and its answers reach the client.
	HalfClose
	// CutAnswer passes the turn's request and cuts when the server answers.
	// The client sees nothing of the answer.
	CutAnswer
	// CutMidAnswer passes Bytes of the turn's answer and then cuts. A shorter
	// answer passes, and the next one is cut.
	CutMidAnswer
	// Blackhole swallows everything from the turn's request on, in both
	// directions, and leaves the connection open.
	Blackhole
	// SwallowAnswer passes requests, and swallows everything from the turn's
	// answer on.
	SwallowAnswer
	// Slow passes Bytes each second, in each direction.
	Slow
	// FlipByte changes the byte of the turn's request that comes after Bytes. A
	// shorter request passes, and the next one is changed. Without checksums nobody
	// can notice it where it hits a value, so Kinds does not return it.
	FlipByte

	kinds // how many there are
)

// Kinds returns all kinds that break connections.
func Kinds() []Kind {
	all := make([]Kind, 0, kinds)
	for k := Refuse; k < FlipByte; k++ {
		all = append(all, k)
	}
	return all
}

var kindNames = [...]string{
	Pass: "pass", Refuse: "refuse", CutBeforeSend: "cut before send", CutMidway: "cut midway", HalfClose: "half-close", CutAnswer: "cut answer",
	CutMidAnswer: "cut mid-answer", Blackhole: "blackhole", SwallowAnswer: "swallow answer", Slow: "slow", FlipByte: "flip byte",
}

// String returns the name of the kind in a few words.
func (k Kind) String() string {
	if k < 0 || k >= kinds {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// Plan says what becomes of one connection.
type Plan struct {
	// Kind is how it is broken.
	Kind Kind
	// Turn is when, from 1. The kinds that need one happen in the first turn
	// when it is less.
	Turn int
	// Bytes is how many bytes of the turn pass with CutMidway, HalfClose, FlipByte
	// and CutMidAnswer, and how many pass each second with Slow.
	Bytes int
	// Reset makes cuts look like a crash of the other side (RST) rather than
	// an orderly end (FIN).
	Reset bool
}

// Planner returns the plan of the n-th connection, from 0. It is called by one
// goroutine at a time.
type Planner func(n int) Plan

// Always plans the same for every connection.
func Always(p Plan) Planner { return func(int) Plan { return p } }

// Healthy breaks nothing.
func Healthy() Planner { return Always(Plan{}) }

// Ranges of what Random chooses.
const (
	maxTurn  = 12
	maxBytes = 2000
	slowest  = 20_000
	fastest  = 500_000
)

// Random plans a fault of one of the kinds for that share of the connections,
// in one of their first dozen turns. The same seed gives the same plans.
func Random(seed uint64, share float64, among ...Kind) Planner {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // faults are to be repeatable, not secret
	return func(int) Plan {
		mu.Lock()
		defer mu.Unlock()
		// All numbers are drawn each time, so that one plan does not shift the next.
		hit, kind, turn, bytes := r.Float64(), among[r.IntN(len(among))], 1+r.IntN(maxTurn), r.IntN(maxBytes)
		rate, reset := slowest+r.IntN(fastest-slowest), r.IntN(2) == 0
		if hit >= share {
			return Plan{}
		}
		if kind == Slow {
			bytes = rate
		}
		return Plan{Kind: kind, Turn: turn, Bytes: bytes, Reset: reset}
	}
}
