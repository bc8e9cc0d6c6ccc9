package faults

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/factload/factload/internal/faultproxy"
)

// Fault is a way to break something outside of the program under test.
type Fault struct {
	Name string
	// Break breaks it until heal is called. The numbers choose how and when.
	Break func(ctx context.Context, t testing.TB, rnd *rand.Rand) (heal func())
}

// rowBytes is how many bytes of a request pass before one of them is changed. No statement
// of this project is that long, so what is hit are rows.
const rowBytes = 4000

// Connections returns the ways to break the connections through the proxies. What
// is changed on its way is noticed by checksums alone, which rows have that are sent by the native
// protocol and compressed: flips says that they are.
func Connections(flips bool, proxies ...*faultproxy.Proxy) []Fault {
	kinds := faultproxy.Kinds()
	if flips {
		kinds = append(kinds, faultproxy.FlipByte)
	}
	all := []Fault{{"random connections", func(_ context.Context, _ testing.TB, rnd *rand.Rand) func() {
		heal := breakConnections(proxies, func() faultproxy.Planner { return faultproxy.Random(rnd.Uint64(), 0.5, faultproxy.Kinds()...) })
		Pause(rnd, 800*time.Millisecond)
		return heal
	}}}
	for _, kind := range kinds {
		all = append(all, Fault{"connections: " + kind.String(), func(_ context.Context, _ testing.TB, rnd *rand.Rand) func() {
			return breakConnections(proxies, func() faultproxy.Planner {
				if kind == faultproxy.FlipByte {
					return faultproxy.Always(faultproxy.Plan{Kind: kind, Bytes: rowBytes + rnd.IntN(rowBytes)})
				}
				return faultproxy.Random(rnd.Uint64(), 1, kind)
			})
		}})
	}
	return all
}

// breakConnections gives each proxy a plan, for new connections.
func breakConnections(proxies []*faultproxy.Proxy, plan func() faultproxy.Planner) (heal func()) {
	for _, p := range proxies {
		p.SetPlan(plan())
		p.CutAll()
	}
	return func() {
		for _, p := range proxies {
			p.SetPlan(faultproxy.Healthy())
			p.CutAll()
		}
	}
}

// Pause waits for up to that long.
func Pause(rnd *rand.Rand, most time.Duration) { Wait(time.Duration(rnd.Int64N(int64(most)))) }

// Wait lets something stay broken for a time.
func Wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}
