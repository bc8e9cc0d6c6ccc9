package answers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/clickhouse"
)

// Comparison is what two runs differ in. Run A is the one to compare with.
type Comparison struct {
	A      Run     `json:"run_a"`
	B      Run     `json:"run_b"`
	All    Pairs   `json:"all"`        // all cases of both runs
	Groups []Pairs `json:"categories"` // the same by category
	Totals []Total `json:"totals"`     // beside the pass rate
	Flips  []Flip  `json:"flips"`      // the cases that differ, those that got worse first
}

// Run is a run as its results describe it.
type Run struct {
	ID       string    `json:"run_id" ch:"run_id"`
	Model    string    `json:"model" ch:"model"`
	Suite    string    `json:"suite" ch:"suite"`
	Attempts uint64    `json:"attempts" ch:"attempts"`
	Began    time.Time `json:"began" ch:"began"` // when its first result was judged
}

// Pairs compares the cases that both runs have; see the question compare_runs.
type Pairs struct {
	Scope      string  `json:"-" ch:"scope"`
	Suite      string  `json:"suite" ch:"suite"`
	Category   string  `json:"category" ch:"category"`
	Cases      uint64  `json:"cases" ch:"cases"`
	RateA      float64 `json:"rate_a" ch:"rate_a"`
	RateB      float64 `json:"rate_b" ch:"rate_b"`
	Difference float64 `json:"difference" ch:"difference"`
	Low        float64 `json:"low" ch:"low"`
	High       float64 `json:"high" ch:"high"`
	Better     uint64  `json:"better" ch:"better"`
	Worse      uint64  `json:"worse" ch:"worse"`
	PValue     float64 `json:"p_value" ch:"p_value"`
	PAdjusted  float64 `json:"p_adjusted" ch:"p_adjusted"`
}

// Significance is the adjusted p-value below which a difference is called one.
const Significance = 0.05

// Total is a value of both runs as a whole; see the question compare_totals. Nil is not known.
type Total struct {
	Metric string   `json:"metric" ch:"metric"`
	Unit   string   `json:"unit" ch:"unit"`
	A      *float64 `json:"a" ch:"a"`
	B      *float64 `json:"b" ch:"b"`
}

// Flip is a case that the runs disagree on; see the question compare_flips.
type Flip struct {
	Suite    string  `json:"suite" ch:"suite"`
	Category string  `json:"category" ch:"category"`
	CaseID   string  `json:"case_id" ch:"case_id"`
	RateA    float64 `json:"rate_a" ch:"rate_a"`
	RateB    float64 `json:"rate_b" ch:"rate_b"`
	Input    string  `json:"input" ch:"input"`
	Expected string  `json:"expected" ch:"expected"`
	OutputA  string  `json:"output_a" ch:"output_a"`
	OutputB  string  `json:"output_b" ch:"output_b"`
}

// Compare compares the results of two runs in eval_result. It needs no views. Runs that have no results, or no case in
// common, are an error.
func Compare(ctx context.Context, c *clickhouse.Client, runA, runB string) (*Comparison, error) {
	var out Comparison
	for run, id := range map[*Run]string{&out.A: runA, &out.B: runB} {
		if err := describe(ctx, c, run, id); err != nil {
			return nil, err
		}
	}
	var rows []Pairs
	parameters := []any{clickhouse.Param("run_a", runA), clickhouse.Param("run_b", runB)}
	if err := c.Select(ctx, &rows, sqlOf("compare_runs")+" ORDER BY scope, suite, category", parameters...); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("the runs %s and %s have no case in common: cases are the same when suite, category and case_id are", runA, runB)
	}
	out.All, out.Groups = rows[0], rows[1:]
	if err := c.Select(ctx, &out.Totals, sqlOf("compare_totals"), parameters...); err != nil {
		return nil, err
	}
	err := c.Select(ctx, &out.Flips, sqlOf("compare_flips")+" ORDER BY rate_b - rate_a, suite, category, case_id", parameters...)
	return &out, err
}

// CompareAll compares several runs with one baseline, each as [Compare] does, in the order given. The p-values are corrected
// by Holm's method for all of these comparisons: those of all cases for the number of runs, and those of the categories for
// the number of categories of all runs together. A run that is named twice is an error.
func CompareAll(ctx context.Context, c *clickhouse.Client, baseline string, runs ...string) ([]*Comparison, error) {
	named := map[string]bool{baseline: true}
	var out []*Comparison
	var all, groups []*Pairs
	for _, run := range runs {
		if named[run] {
			return nil, fmt.Errorf("run %s is named twice", run)
		}
		named[run] = true
		comparison, err := Compare(ctx, c, baseline, run)
		if err != nil {
			return nil, err
		}
		out = append(out, comparison)
		all = append(all, &comparison.All)
		for i := range comparison.Groups {
			groups = append(groups, &comparison.Groups[i])
		}
	}
	holm(all)
	holm(groups)
	return out, nil
}

// holm corrects the p-values of comparisons for their number.
func holm(pairs []*Pairs) {
	pairs = slices.SortedFunc(slices.Values(pairs), func(a, b *Pairs) int { return cmp.Compare(a.PValue, b.PValue) })
	least := 0.0
	for i, p := range pairs {
		least = max(least, min(1, float64(len(pairs)-i)*p.PValue))
		p.PAdjusted = least
	}
}

func describe(ctx context.Context, c *clickhouse.Client, run *Run, id string) error {
	const sql = `SELECT run_id, arrayStringConcat(arraySort(groupUniqArray(toString(model))), ', ') AS model,
	arrayStringConcat(arraySort(groupUniqArray(toString(suite))), ', ') AS suite, count() AS attempts, min(created_at) AS began
FROM eval_result WHERE run_id = {run:String} GROUP BY run_id`
	var found []Run
	if err := c.Select(ctx, &found, sql, clickhouse.Param("run", id)); err != nil {
		return err
	}
	if len(found) == 1 {
		*run = found[0]
		return nil
	}
	var newest []string
	const others = `SELECT concat(run_id, ' (', any(model), ', ', any(suite), ')')
FROM eval_result GROUP BY run_id ORDER BY max(created_at) DESC, run_id LIMIT 3`
	if err := c.Select(ctx, &newest, others); err != nil {
		return err
	}
	hint := "eval_result is empty"
	if len(newest) > 0 {
		hint = "the newest runs are " + strings.Join(newest, ", ")
	}
	return fmt.Errorf("eval_result has no run %q: %s", id, hint)
}

func sqlOf(name string) string {
	q, _ := Get(name)
	return q.SQL
}
