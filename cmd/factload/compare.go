package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers"
)

func newCompare(a *app) *cobra.Command {
	var format string
	var failIf []string
	cmd := &cobra.Command{
		Use:   "compare RUN RUN",
		Short: "Compare two eval runs",
		Long: `Compare the results of two runs in eval_result: pass rates by category with intervals
and tests, cost and times, and the cases that flipped. Cases are compared in pairs,
and only those that both runs have. docs/questions.md says how.

The exit code is 5 when a condition of --fail-if holds, and 0 otherwise.

` + answers.ConditionHelp,
		Example: `  factload compare RUN_BEFORE RUN_AFTER
  factload compare RUN_BEFORE RUN_AFTER --format markdown --fail-if 'pass_rate < -1pp and p < 0.05'`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			show, ok := map[string]func(*answers.Comparison, []string) error{"text": a.compareText, "markdown": a.compareMarkdown, "json": a.compareJSON}[format]
			if !ok {
				return usageError(fmt.Errorf("--format %q: use text, markdown or json", format))
			}
			var conditions []answers.Condition
			for _, text := range failIf {
				c, err := answers.ParseCondition(text)
				if err != nil {
					return usageError(fmt.Errorf("--fail-if: %w", err))
				}
				conditions = append(conditions, c)
			}
			return a.compare(cmd.Context(), args[0], args[1], conditions, show)
		},
	}
	addServerFlags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`format`: text, markdown or json")
	cmd.Flags().StringArrayVar(&failIf, "fail-if", nil, "`condition` that makes the exit code 5; repeatable, any of them does")
	return cmd
}

func (a *app) compare(ctx context.Context, runA, runB string, conditions []answers.Condition, show func(*answers.Comparison, []string) error) (err error) {
	s, err := a.openServer(ctx, reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	client, err := s.open()
	if err != nil {
		return err
	}
	defer client.Close()
	c, err := answers.Compare(ctx, client, runA, runB)
	if err != nil {
		return err
	}
	failed := []string{}
	for _, condition := range conditions {
		holds, err := condition.Holds(c)
		if err != nil {
			return err
		}
		if holds {
			failed = append(failed, condition.String())
		}
	}
	if err := show(c, failed); err != nil {
		return err
	}
	if len(failed) > 0 {
		return errCondition
	}
	return nil
}

// compareJSON prints the comparison for programs.
func (a *app) compareJSON(c *answers.Comparison, failed []string) error {
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		*answers.Comparison
		Failed []string `json:"failed"` // the conditions that hold
	}{c, failed})
}

// comparisonTables returns what text and Markdown show: pass rates, totals, and the first flips.
func comparisonTables(c *answers.Comparison, flips int) []grid {
	rates := grid{columns: []gridColumn{{name: "cases of"}, {name: "cases", right: true}, {name: "A", right: true}, {name: "B", right: true}, {name: "change", right: true}, {name: "95% interval", right: true}, {name: "better", right: true}, {name: "worse", right: true}, {name: "p", right: true}, {}}}
	for _, p := range append(slices.Clone(c.Groups), c.All) {
		name := "all"
		if p.Scope != "all" {
			name = p.Suite + " / " + p.Category
		}
		word := ""
		if p.PAdjusted < answers.Significance {
			word = map[bool]string{true: "worse", false: "better"}[p.Worse > p.Better]
		}
		rates.add(name, thousands(int64(p.Cases)), percent(p.RateA), percent(p.RateB), points(p.Difference), points(p.Low)+" to "+points(p.High), //nolint:gosec // a count
			thousands(int64(p.Better)), thousands(int64(p.Worse)), fmt.Sprintf("%.2g", p.PAdjusted), word) //nolint:gosec // counts
	}
	totals := grid{columns: []gridColumn{{name: "in all"}, {name: "A", right: true}, {name: "B", right: true}, {name: "change", right: true}}}
	for _, t := range c.Totals {
		change := ""
		if t.A != nil && t.B != nil && *t.A != 0 {
			change = fmt.Sprintf("%+.1f%%", 100*(*t.B / *t.A - 1))
		}
		name := strings.ReplaceAll(t.Metric, "_", " ")
		if t.Unit != "" {
			name += ", " + t.Unit
		}
		totals.add(name, number(t.A), number(t.B), change)
	}
	flipped := grid{columns: []gridColumn{{name: "flipped"}, {name: "case"}, {name: "A", right: true}, {name: "B", right: true}}}
	for _, f := range c.Flips[:min(flips, len(c.Flips))] {
		flipped.add(f.Suite+" / "+f.Category, f.CaseID, percent(f.RateA), percent(f.RateB))
	}
	return []grid{rates, totals, flipped}
}

// shownFlips is how many flipped cases are shown; JSON has all of them.
const shownFlips = 20

func (a *app) compareText(c *answers.Comparison, failed []string) error {
	fmt.Fprintln(a.out, comparisonHead(c, "\n"))
	for _, g := range comparisonTables(c, shownFlips) {
		if len(g.rows) == 0 {
			continue
		}
		if err := g.write(a.out); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.out, comparisonTail(c))
	for _, text := range failed {
		fmt.Fprintf(a.out, "FAILED: %s\n", text)
	}
	return nil
}

func (a *app) compareMarkdown(c *answers.Comparison, failed []string) error {
	fmt.Fprintf(a.out, "### Comparison of two runs\n\n%s\n", comparisonHead(c, "  \n"))
	for _, text := range failed {
		fmt.Fprintf(a.out, "\n**Failed:** `%s`\n", text)
	}
	for i, g := range comparisonTables(c, shownFlips) {
		if len(g.rows) == 0 {
			continue
		}
		if i == 2 {
			fmt.Fprintf(a.out, "\n<details><summary>Cases that flipped</summary>\n")
		}
		if err := g.writeMarkdown(a.out); err != nil {
			return err
		}
		if i == 2 {
			fmt.Fprintf(a.out, "\n</details>\n")
		}
	}
	_, err := fmt.Fprintf(a.out, "\n%s\n", comparisonTail(c))
	return err
}

func comparisonHead(c *answers.Comparison, lineEnd string) string {
	line := func(letter string, r answers.Run) string {
		return fmt.Sprintf("%s: run %s, %s, %s, %s of %s UTC", letter, r.ID, r.Model, r.Suite, countText(int(r.Attempts), "attempt"), r.Began.UTC().Format("2006-01-02 15:04")) //nolint:gosec // a count
	}
	return line("A", c.A) + lineEnd + line("B", c.B)
}

func comparisonTail(c *answers.Comparison) string {
	text := "Pass rates of the cases that both runs have; p is that of McNemar's exact test, corrected by Holm's method for the number of categories."
	if more := len(c.Flips) - shownFlips; more > 0 {
		text += fmt.Sprintf(" %s more flipped (--format json has all of them).", countText(more, "case"))
	}
	return text
}

func percent(x float64) string { return fmt.Sprintf("%.1f%%", 100*x) }

func points(x float64) string { return fmt.Sprintf("%+.1f pp", 100*x) }

func number(x *float64) string {
	switch {
	case x == nil:
		return ""
	case *x == float64(int64(*x)):
		return thousands(int64(*x))
	default:
		return fmt.Sprintf("%.4g", *x)
	}
}
