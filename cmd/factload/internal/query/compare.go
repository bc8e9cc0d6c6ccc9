package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// NewCompare makes the command compare.
func NewCompare(a *cli.App) *cobra.Command {
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
			show, ok := map[string]func(io.Writer, comparisons) error{"text": compareText, "markdown": compareMarkdown, "json": compareJSON}[format]
			if !ok {
				return cli.UsageError(fmt.Errorf("--format %q: use text, markdown or json", format))
			}
			var conditions []answers.Condition
			for _, text := range failIf {
				c, err := answers.ParseCondition(text)
				if err != nil {
					return cli.UsageError(fmt.Errorf("--fail-if: %w", err))
				}
				conditions = append(conditions, c)
			}
			return runCompare(cmd.Context(), a, args, conditions, show)
		},
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`format`: text, markdown or json")
	cmd.Flags().StringArrayVar(&failIf, "fail-if", nil, "`condition` that makes the exit code 5; repeatable, any of them does")
	return cmd
}

// comparisons are one or more runs compared with the same run, and the conditions that hold.
type comparisons struct {
	of     []*answers.Comparison
	failed []string
}

func runCompare(ctx context.Context, a *cli.App, runs []string, conditions []answers.Condition, write func(io.Writer, comparisons) error) (err error) {
	s, err := a.Connect(ctx, cli.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	found, err := answers.CompareAll(ctx, s.Client, runs[0], runs[1:]...)
	if e := (*chconn.Error)(nil); errors.As(err, &e) && e.Code == chconn.CodeUnknownTable {
		return fmt.Errorf("nothing to compare in %s: it has no table eval_result, which factload load --schema eval_result makes", s.Where())
	}
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
	if err := write(a.Out, c); err != nil {
		return err
	}
	if len(c.failed) > 0 {
		return cli.ErrCondition
	}
	return nil
}

// compareJSON prints the comparison for programs: that of two runs as an object, those of more as a list in one.
func compareJSON(w io.Writer, c comparisons) error {
	encoder := json.NewEncoder(w)
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
func (c comparisons) tables() []show.Grid {
	if len(c.of) == 1 {
		return comparisonTables(c.of[0], shownFlips)
	}
	return severalTables(c.of)
}

// head describes the runs.
func (c comparisons) head(lineEnd string) string {
	line := func(letter string, r answers.Run) string {
		return fmt.Sprintf("%s: run %s, %s, %s, %s of %s UTC", letter, r.ID, r.Model, r.Suite, show.Count(int(r.Attempts), "attempt"), r.Began.UTC().Format("2006-01-02 15:04")) //nolint:gosec // a count
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
		text += fmt.Sprintf(" %s more flipped (--format json has all of them).", show.Count(more, "case"))
	}
	return text
}

// ratesTable is a table of pass rates. The columns before those of the pairs are named.
func ratesTable(names ...string) show.Grid {
	g := show.Grid{}
	for _, name := range names {
		g.Columns = append(g.Columns, show.Column{Name: name})
	}
	for _, name := range []string{"cases", "A", "B", "change", "95% interval", "better", "worse", "p"} {
		g.Columns = append(g.Columns, show.Column{Name: name, Right: true})
	}
	g.Columns = append(g.Columns, show.Column{})
	return g
}

// addPairs adds a row to a table of pass rates.
func addPairs(g *show.Grid, p answers.Pairs, names ...string) {
	word := ""
	if p.PAdjusted < answers.Significance {
		word = map[bool]string{true: "worse", false: "better"}[p.Worse > p.Better]
	}
	g.Add(append(names, show.Thousands(int64(p.Cases)), percent(p.RateA), percent(p.RateB), points(p.Difference), points(p.Low)+" to "+points(p.High), //nolint:gosec // a count
		show.Thousands(int64(p.Better)), show.Thousands(int64(p.Worse)), fmt.Sprintf("%.2g", p.PAdjusted), word)...) //nolint:gosec // counts
}

// severalTables returns the runs, and the categories that differ.
func severalTables(of []*answers.Comparison) []show.Grid {
	runs, categories := ratesTable("run", "model"), ratesTable("run", "cases of")
	for _, c := range of {
		addPairs(&runs, c.All, c.B.ID, c.B.Model)
		for _, p := range c.Groups {
			if p.PAdjusted < answers.Significance {
				addPairs(&categories, p, c.B.ID, p.Suite+" / "+p.Category)
			}
		}
	}
	return []show.Grid{runs, categories}
}

// comparisonTables returns what text and Markdown show: pass rates, totals, and the first flips.
func comparisonTables(c *answers.Comparison, flips int) []show.Grid {
	rates := ratesTable("cases of")
	for _, p := range c.Groups {
		addPairs(&rates, p, p.Suite+" / "+p.Category)
	}
	addPairs(&rates, c.All, "all")
	totals := show.Grid{Columns: []show.Column{{Name: "in all"}, {Name: "A", Right: true}, {Name: "B", Right: true}, {Name: "change", Right: true}}}
	for _, t := range c.Totals {
		change := ""
		if t.A != nil && t.B != nil && *t.A != 0 {
			change = fmt.Sprintf("%+.1f%%", 100*(*t.B / *t.A - 1))
		}
		name := strings.ReplaceAll(t.Metric, "_", " ")
		if t.Unit != "" {
			name += ", " + t.Unit
		}
		totals.Add(name, number(t.A), number(t.B), change)
	}
	flipped := show.Grid{Columns: []show.Column{{Name: "flipped"}, {Name: "case"}, {Name: "A", Right: true}, {Name: "B", Right: true}}}
	for _, f := range c.Flips[:min(flips, len(c.Flips))] {
		flipped.Add(f.Suite+" / "+f.Category, f.CaseID, percent(f.RateA), percent(f.RateB))
	}
	return []show.Grid{rates, totals, flipped}
}

// shownFlips is how many flipped cases are shown; JSON has all of them.
const shownFlips = 20

func compareText(w io.Writer, c comparisons) error {
	fmt.Fprintln(w, c.head("\n"))
	for _, g := range c.tables() {
		if g.Empty() {
			continue
		}
		if err := g.Write(w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, c.tail())
	for _, text := range c.failed {
		fmt.Fprintf(w, "FAILED: %s\n", text)
	}
	return nil
}

func compareMarkdown(w io.Writer, c comparisons) error {
	title := "Comparison of two runs"
	if len(c.of) > 1 {
		title = fmt.Sprintf("Comparison of %d runs with one", len(c.of))
	}
	fmt.Fprintf(w, "### %s\n\n%s\n", title, c.head("  \n"))
	for _, text := range c.failed {
		fmt.Fprintf(w, "\n**Failed:** `%s`\n", text)
	}
	for i, g := range c.tables() {
		if g.Empty() {
			continue
		}
		if i == 2 {
			fmt.Fprintf(w, "\n<details><summary>Cases that flipped</summary>\n")
		}
		if err := g.WriteMarkdown(w); err != nil {
			return err
		}
		if i == 2 {
			fmt.Fprintf(w, "\n</details>\n")
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", c.tail())
	return err
}

func percent(x float64) string { return fmt.Sprintf("%.1f%%", 100*x) }

func points(x float64) string { return fmt.Sprintf("%+.1f pp", 100*x) }

func number(x *float64) string {
	switch {
	case x == nil:
		return ""
	case *x == float64(int64(*x)):
		return show.Thousands(int64(*x))
	default:
		return fmt.Sprintf("%.4g", *x)
	}
}
