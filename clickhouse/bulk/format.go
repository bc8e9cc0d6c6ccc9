package bulk

import (
	"fmt"
	"slices"
	"strings"
)

// Format says what a line of the input is.
type Format int

const (
	// Auto means Rows when Config.Schema is set, and otherwise Facts or Events,
	// line by line.
	Auto Format = iota
	// Rows are bare rows of Config.Schema.
	Rows
	// Facts are envelopes {"schema":…,"data":{…}}, with the fact's ID as "id"
	// if it has one.
	Facts
	// Events are entries of a raw log as [fact.Event] marshals: "type" names
	// the schema, "data" is the row and "id" the fact's ID.
	Events
)

var formatNames = []string{"auto", "rows", "facts", "events"}

// String returns the name of the format: auto, rows, facts or events.
func (f Format) String() string {
	if f < 0 || int(f) >= len(formatNames) {
		return fmt.Sprintf("format(%d)", int(f))
	}
	return formatNames[f]
}

// ParseFormat returns the format of the given name.
func ParseFormat(s string) (Format, error) {
	i := slices.Index(formatNames, s)
	if i < 0 {
		return 0, fmt.Errorf("unknown format %q: use one of %s", s, strings.Join(formatNames, ", "))
	}
	return Format(i), nil
}
