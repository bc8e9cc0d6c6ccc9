package answers

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Condition is something that may be true of a [Comparison], for a gate.
type Condition struct {
	text  string
	terms []term
}

// term compares one number.
type term struct {
	category bool // of some category, the same for all terms
	metric   string
	op       string
	value    float64
	relative bool // the value is a change in relation to run A
}

// The metrics of pairs, with their units.
var pairMetrics = map[string]struct {
	unit string
	of   func(Pairs) float64
}{
	"pass_rate": {"pp", func(p Pairs) float64 { return p.Difference }},
	"low":       {"pp", func(p Pairs) float64 { return p.Low }},
	"high":      {"pp", func(p Pairs) float64 { return p.High }},
	"p":         {"", func(p Pairs) float64 { return p.PAdjusted }},
	"better":    {"", func(p Pairs) float64 { return float64(p.Better) }},
	"worse":     {"", func(p Pairs) float64 { return float64(p.Worse) }},
}

// totalMetrics are the metrics of totals.
var totalMetrics = []string{"errors", "score", "latency_p50", "latency_p95", "prompt_tokens", "completion_tokens", "cost"}

// ConditionHelp says how a condition is written.
const ConditionHelp = `A condition compares a change from the first run to the second with a number:
  pass_rate < -1pp                     the pass rate fell by more than a percentage point
  pass_rate < -1pp and p < 0.05        ... and that is significant
  high < 0pp                           the whole 95% interval of the change is below 0
  category.pass_rate < -5pp and category.p < 0.05    the same of some category; p is
                                       corrected for the number of categories
  cost > 10%                           a tenth more than before
Metrics: pass_rate, low, high (in pp); p, better, worse (numbers), all of them also
with category. before them; errors, score, latency_p50, latency_p95, prompt_tokens,
completion_tokens, cost (a change in %, or a difference without it).`

var termPattern = regexp.MustCompile(`^(category\.)?([a-z0-9_]+)\s*(<=|>=|<|>)\s*([+-]?[0-9.]+(?:e[+-]?[0-9]+)?)\s*(pp|%)?$`)

// ParseCondition reads a condition; see [ConditionHelp].
func ParseCondition(text string) (Condition, error) {
	c := Condition{text: text}
	for part := range strings.SplitSeq(text, " and ") {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return Condition{}, fmt.Errorf("condition %q: %w", text, err)
		}
		c.terms = append(c.terms, t)
	}
	return c, nil
}

func parseTerm(text string) (term, error) {
	m := termPattern.FindStringSubmatch(text)
	if m == nil {
		return term{}, fmt.Errorf("%q is not a comparison such as pass_rate < -1pp", text)
	}
	t := term{category: m[1] != "", metric: m[2], op: m[3]}
	var err error
	if t.value, err = strconv.ParseFloat(m[4], 64); err != nil {
		return term{}, fmt.Errorf("%q is not a number", m[4])
	}
	unit := m[5]
	pair, isPair := pairMetrics[t.metric]
	switch {
	case !isPair && (t.category || !slices.Contains(totalMetrics, t.metric)):
		return term{}, fmt.Errorf("unknown metric %q", m[1]+t.metric)
	case isPair && unit != pair.unit && pair.unit == "pp":
		return term{}, fmt.Errorf("%s is compared with percentage points, as in %s %s %spp", t.metric, t.metric, t.op, m[4])
	case isPair && unit != pair.unit, !isPair && unit == "pp":
		return term{}, fmt.Errorf("%s has no unit %s", t.metric, unit)
	}
	if unit != "" {
		t.value /= 100
	}
	t.relative = unit == "%"
	return t, nil
}

// String returns the condition as it was written.
func (c Condition) String() string { return c.text }

// Holds reports whether the condition is true. A number that is not known is an error.
func (c Condition) Holds(of *Comparison) (bool, error) {
	groups := of.Groups
	if !slices.ContainsFunc(c.terms, func(t term) bool { return t.category }) {
		groups = []Pairs{of.All}
	}
	for _, group := range groups {
		holds := true
		for _, t := range c.terms {
			x, err := t.number(of, group)
			if err != nil {
				return false, fmt.Errorf("condition %q: %w", c.text, err)
			}
			holds = holds && t.compare(x)
		}
		if holds {
			return true, nil
		}
	}
	return false, nil
}

func (t term) number(of *Comparison, group Pairs) (float64, error) {
	if pair, ok := pairMetrics[t.metric]; ok {
		if !t.category {
			group = of.All
		}
		return pair.of(group), nil
	}
	i := slices.IndexFunc(of.Totals, func(total Total) bool { return total.Metric == t.metric })
	if i < 0 || of.Totals[i].A == nil || of.Totals[i].B == nil {
		return 0, errors.New(t.metric + " of one of the runs is not known")
	}
	change := *of.Totals[i].B - *of.Totals[i].A
	if !t.relative || change == 0 {
		return change, nil
	}
	return change / math.Abs(*of.Totals[i].A), nil
}

func (t term) compare(x float64) bool {
	switch t.op {
	case "<":
		return x < t.value
	case "<=":
		return x <= t.value
	case ">":
		return x > t.value
	default:
		return x >= t.value
	}
}
