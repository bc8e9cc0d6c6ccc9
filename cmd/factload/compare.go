package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers"
)

func newCompare(a *app) *cobra.Command {
	var format string
	var failIf []string
	cmd := &cobra.Command{
		Use:   "compare RUN RUN [RUN...]",
		Short: "Compare eval runs",
		Long: `Compare the results of two runs in eval_result: pass rates by category with intervals
and tests, cost and times, and the cases that flipped. Cases are compared in pairs,
and only those that both runs have. docs/questions.md says how.

Of more than two runs, each is compared with the first one. Then p is corrected for the
number of runs as well, and the categories that differ are listed.

The exit code is 5 when a condition of --fail-if holds for any of the runs, and 0
otherwise.

` + answers.ConditionHelp,
		Example: `  factload compare RUN_BEFORE RUN_AFTER
  factload compare RUN_BEFORE RUN_AFTER --format markdown --fail-if 'pass_rate < -1pp and p < 0.05'
  factload compare BASELINE RUN_1 RUN_2 RUN_3`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			show, ok := map[string]func(comparisons) error{"text": a.compareText, "markdown": a.compareMarkdown, "json": a.compareJSON}[format]
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
			return a.compare(cmd.Context(), args, conditions, show)
		},
	}
	addServerFlags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`format`: text, markdown or json")
	cmd.Flags().StringArrayVar(&failIf, "fail-if", nil, "`condition` that makes the exit code 5; repeatable, any of them does")
	return cmd
}

// comparisons are one or more runs compared with the same run, and the conditions that hold.
type comparisons struct {
	of     []*answers.Comparison
	failed []string
}

func (a *app) compare(ctx context.Context, runs []string, conditions []answers.Condition, show func(comparisons) error) (err error) {
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
	found, err := answers.CompareAll(ctx, client, runs[0], runs[1:]...)
	if err != nil {
		return err
	}
	c := comparisons{of: found, failed: []string{}}
	for _, comparison := range found {
		for _, condition := range conditions {
			holds, err := condition.Holds(comparison)
			if err != nil {
				return err
			}
			text := condition.String()
			if len(found) > 1 {
				text = "run " + comparison.B.ID + ": " + text
			}
			if holds {
				c.failed = append(c.failed, text)
			}
		}
	}
	if err := show(c); err != nil {
		return err
	}
	if len(c.failed) > 0 {
		return errCondition
	}
	return nil
}

// compareJSON prints the comparison for programs: that of two runs as an object, those of more as a list in one.
func (a *app) compareJSON(c comparisons) error {
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	if len(c.of) > 1 {
		return encoder.Encode(struct {
			Comparisons []*answers.Comparison `json:"comparisons"`
			Failed      []string              `json:"failed"`
		}{c.of, c.failed})
	}
	return encoder.Encode(struct {
		*answers.Comparison
		Failed []string `json:"failed"` // the conditions that hold
	}{c.of[0], c.failed})
}

// tables returns what text and Markdown show.
func (c comparisons) tables() []grid {
	if len(c.of) == 1 {
		return comparisonTables(c.of[0], shownFlips)
	}
	return severalTables(c.of)
}

// head describes the runs.
func (c comparisons) head(lineEnd string) string {
	line := func(letter string, r answers.Run) string {
		return fmt.Sprintf("%s: run %s, %s, %s, %s of %s UTC", letter, r.ID, r.Model, r.Suite, countText(int(r.Attempts), "attempt"), r.Began.UTC().Format("2006-01-02 15:04")) //nolint:gosec // a count
	}
	text := line("A", c.of[0].A)
	if len(c.of) == 1 {
		return text + lineEnd + line("B", c.of[0].B)
	}
	return text
}

// tail says what the numbers are.
func (c comparisons) tail() string {
	text := "Pass rates of the cases that both runs have; p is that of McNemar's exact test, corrected by Holm's method for the number of "
	if len(c.of) > 1 {
		return text + "runs, and below for that of the categories of all runs."
	}
	text += "categories."
	if more := len(c.of[0].Flips) - shownFlips; more > 0 {
		text += fmt.Sprintf(" %s more flipped (--format json has all of them).", countText(more, "case"))
	}
	return text
}

// ratesTable is a table of pass rates. The columns before those of the pairs are named.
func ratesTable(names ...string) grid {
	g := grid{}
	for _, name := range names {
		g.columns = append(g.columns, gridColumn{name: name})
	}
	for _, name := range []string{"cases", "A", "B", "change", "95% interval", "better", "worse", "p"} {
		g.columns = append(g.columns, gridColumn{name: name, right: true})
	}
	g.columns = append(g.columns, gridColumn{})
	return g
}

// addPairs adds a row to a table of pass rates.
func (g *grid) addPairs(p answers.Pairs, names ...string) {
	word := ""
	if p.PAdjusted < answers.Significance {
		word = map[bool]string{true: "worse", false: "better"}[p.Worse > p.Better]
	}
	g.add(append(names, thousands(int64(p.Cases)), percent(p.RateA), percent(p.RateB), points(p.Difference), points(p.Low)+" to "+points(p.High), //nolint:gosec // a count
		thousands(int64(p.Better)), thousands(int64(p.Worse)), fmt.Sprintf("%.2g", p.PAdjusted), word)...) //nolint:gosec // counts
}

// severalTables returns the runs, and the categories that differ.
func severalTables(of []*answers.Comparison) []grid {
	runs, categories := ratesTable("run", "model"), ratesTable("run", "cases of")
	for _, c := range of {
		runs.addPairs(c.All, c.B.ID, c.B.Model)
		for _, p := range c.Groups {
			if p.PAdjusted < answers.Significance {
				categories.addPairs(p, c.B.ID, p.Suite+" / "+p.Category)
			}
		}
	}
	return []grid{runs, categories}
}

// comparisonTables returns what text and Markdown show: pass rates, totals, and the first flips.
func comparisonTables(c *answers.Comparison, flips int) []grid {
	rates := ratesTable("cases of")
	for _, p := range c.Groups {
		rates.addPairs(p, p.Suite+" / "+p.Category)
	}
	rates.addPairs(c.All, "all")
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

func (a *app) compareText(c comparisons) error {
	fmt.Fprintln(a.out, c.head("\n"))
	for _, g := range c.tables() {
		if len(g.rows) == 0 {
			continue
		}
		if err := g.write(a.out); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.out, c.tail())
	for _, text := range c.failed {
		fmt.Fprintf(a.out, "FAILED: %s\n", text)
	}
	return nil
}

func (a *app) compareMarkdown(c comparisons) error {
	title := "Comparison of two runs"
	if len(c.of) > 1 {
		title = fmt.Sprintf("Comparison of %d runs with one", len(c.of))
	}
	fmt.Fprintf(a.out, "### %s\n\n%s\n", title, c.head("  \n"))
	for _, text := range c.failed {
		fmt.Fprintf(a.out, "\n**Failed:** `%s`\n", text)
	}
	for i, g := range c.tables() {
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
	_, err := fmt.Fprintf(a.out, "\n%s\n", c.tail())
	return err
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
