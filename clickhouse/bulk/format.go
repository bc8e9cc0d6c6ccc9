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
	// OpenAIEvals are lines of a log of openai/evals, of which one file has one run. They
	// become facts of the schemas eval_run and eval_result, which have to be among the
	// targets: a result for each sample that is graded, with what was asked and answered,
	// and the run where the log has its final report.
	OpenAIEvals
)

var formatNames = []string{"auto", "rows", "facts", "events", "openai-evals"}

// String returns the name of the format: auto, rows, facts, events or openai-evals.
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
