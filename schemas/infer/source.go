package infer

// A source is where some of the rows come from, such as a file.
type source struct {
	name string
	keys map[string]bool // of its first rows
	rows int
}

const (
	maxSources    = 100
	maxSourceRows = 100
)

// Source says where the rows that are added next come from. It serves [Builder.Unrelated] alone.
func (in *Builder) Source(name string) {
	if n := len(in.sources); n < maxSources && (n == 0 || in.sources[n-1].name != name) {
		in.sources = append(in.sources, source{name: name, keys: make(map[string]bool)})
	}
}

// noteSource notes the keys of the row that was added last.
func (in *Builder) noteSource() {
	if len(in.sources) == 0 {
		return
	}
	s := &in.sources[len(in.sources)-1]
	if s.rows++; s.rows > maxSourceRows {
		return
	}
	for _, p := range in.pairs {
		s.keys[p.key] = true
	}
}

// Unrelated returns two sources whose rows have hardly a key in common, and so do not belong into one table. It reports
// false if there are none. It looks at the first 100 sources, and at the first 100 rows of each.
func (in *Builder) Unrelated() (a, b string, found bool) {
	const share = 4 // of the keys of the smaller one
	for i := range in.sources {
		x, y := &in.sources[0], &in.sources[i]
		common := 0
		for key := range x.keys {
			if y.keys[key] {
				common++
			}
		}
		if len(x.keys) > 0 && len(y.keys) > 0 && common*share < min(len(x.keys), len(y.keys)) {
			return x.name, y.name, true
		}
	}
	return "", "", false
}
