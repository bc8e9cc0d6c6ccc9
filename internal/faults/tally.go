package faults

import (
	"fmt"
	"strings"
	"sync"
)

// Tally counts over trials, by class. It is safe for concurrent use.
type Tally struct {
	mu      sync.Mutex
	counts  map[string]int
	classes []string // in the order in which they came
}

// Add adds n to a class, which is printed from then on, also with none.
func (t *Tally) Add(class string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.counts[class]; !ok {
		if t.counts == nil {
			t.counts = make(map[string]int)
		}
		t.classes = append(t.classes, class)
	}
	t.counts[class] += n
}

// String returns a line for each class.
func (t *Tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, class := range t.classes {
		fmt.Fprintf(&b, "\n%9d %s", t.counts[class], class)
	}
	return b.String()
}
