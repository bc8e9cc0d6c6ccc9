package answers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/internal/soak"
)

// What is planted: one case of a hundred flips each way, by chance, and in one category two of a hundred fail besides.
const (
	planted    = "logic"
	noise      = 0.01
	regression = 0.02
)

// sampleCases writes sample results, each taken for a case of its own, and returns them.
func sampleCases(t *testing.T, rows int) []evalRow {
	t.Helper()
	var b strings.Builder
	_, err := sample.Write(t.Context(), &b, "eval_result", rows, 1)
	require.NoError(t, err)
	var out []evalRow
	for line := range strings.Lines(b.String()) {
		var r struct {
			ID, Suite, Category string
			Passed              bool
		}
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		out = append(out, evalRow{ID: r.ID, CaseID: r.ID, Suite: r.Suite, Category: r.Category, Passed: r.Passed})
	}
	return out
}

// flip returns the outcomes of cases in run A, and in a run B where a share of all cases got worse, and another, that of
// the noise, got better.
func flip(cases []evalRow, worse float64, random *rand.Rand) (a, b []float64) {
	rate := rateOf(cases)
	a, b = make([]float64, 0, len(cases)), make([]float64, 0, len(cases))
	for _, r := range cases {
		before, chance := 0.0, noise/(1-rate)
		if r.Passed {
			before, chance = 1, worse/rate
		}
		after := before
		if random.Float64() < chance {
			after = 1 - before
		}
		a, b = append(a, before), append(b, after)
	}
	return a, b
}

// tally counts what comparisons found.
type tally struct {
	planted string // the category with a regression; empty for none
	found   int    // this category called worse
	wrong   int    // another one called different
	within  int    // the interval of the planted category has the true change
}

// add counts a comparison, given the p-value and the interval of each category.
func (s *tally) add(adjusted map[string]float64, differences map[string][3]float64) {
	others := false
	for name, p := range adjusted {
		difference := differences[name]
		switch different := p < answers.Significance; {
		case s.planted != "" && strings.HasSuffix(name, "/"+s.planted):
			if different && difference[0] < 0 {
				s.found++
			}
			if difference[1] <= -regression && -regression <= difference[2] {
				s.within++
			}
		case different:
			others = true
		}
	}
	if others {
		s.wrong++
	}
}

// The comparison finds the category with a regression of two points, and calls others different no more often than the
// stated error rate allows. The computation is the one that the engine's answers are compared with. The choices depend on
// the number of the trial alone, so every run of the test is the same.
func TestPlantedRegression(t *testing.T) {
	t.Parallel()
	const trials = 1000
	cases := sampleCases(t, 12_000)
	byCategory := groups(cases, func(r evalRow) (string, bool) { return r.Suite + "/" + r.Category, true })
	names := slices.Sorted(maps.Keys(byCategory))
	s, nothing := tally{planted: planted}, tally{}
	for trial := range trials {
		for planting, s := range map[float64]*tally{regression: &s, 0: &nothing} {
			ps, differences := map[string]float64{}, map[string][3]float64{}
			random := rand.New(rand.NewPCG(uint64(trial), 1))
			for _, name := range names {
				down := noise
				if strings.HasSuffix(name, "/"+planted) {
					down += planting
				}
				values, p := paired(flip(byCategory[name], down, random))
				ps[name] = p
				differences[name] = [3]float64{values[3].(float64), values[4].(float64), values[5].(float64)}
			}
			s.add(holm(ps), differences)
		}
	}
	t.Logf("%d comparisons of %d cases in %d categories, %d of them %s", trials, len(cases), len(byCategory), len(byCategory["reasoning/"+planted]), planted)
	t.Logf("a regression of 2 points: found in %d, another category called different in %d, the interval has the true change in %d", s.found, s.wrong, s.within)
	t.Logf("no regression: a category called different in %d", nothing.wrong)
	require.LessOrEqual(t, float64(s.wrong), trials*answers.Significance)
	require.LessOrEqual(t, float64(nothing.wrong), trials*answers.Significance)
	share := func(n int) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/trials) }
	q, _ := answers.Get("compare_runs")
	require.Contains(t, strings.ReplaceAll(q.About, "\n", " "), "a regression of two points in one of them was found in "+share(s.found)+", another category was called different in "+share(s.wrong)+
		", and the interval had the true change in "+share(s.within)+". Without a regression, some category was called different in "+share(nothing.wrong))
}

// The same through the engine, by hashes in place of random numbers, in a few trials.
func TestSoakPlantedRegressionInEngine(t *testing.T) {
	t.Parallel()
	rows, trials := soak.Scale(12_000, 45_000), soak.Trials(t, 3, 200)
	db, client := database(t, data{evals: sampleCases(t, rows)})
	db.Exec(t, "CREATE TABLE base ENGINE = Memory AS SELECT id, suite, category, passed, avg(passed) OVER (PARTITION BY suite, category) AS rate FROM eval_result")
	insert := func(run, passed string) {
		db.Exec(t, "INSERT INTO eval_result (id, run_id, suite, category, case_id, passed) SELECT id, '"+run+"', suite, category, id, "+passed+" FROM base")
	}
	s := tally{planted: planted}
	for trial := range trials {
		db.Exec(t, "TRUNCATE TABLE eval_result")
		insert("a", "passed")
		insert("b", fmt.Sprintf("if(passed, chance >= (%v + if(category = '%s', %v, 0)) / rate, (sipHash64(id, %d) %% 1000000 / 1e6 AS chance) < %[1]v / (1 - rate))", noise, planted, regression, trial))
		c, err := answers.Compare(t.Context(), client, "a", "b")
		require.NoError(t, err)
		ps, differences := map[string]float64{}, map[string][3]float64{}
		for _, group := range c.Groups {
			name := group.Suite + "/" + group.Category
			ps[name], differences[name] = group.PAdjusted, [3]float64{group.Difference, group.Low, group.High}
		}
		s.add(ps, differences)
	}
	t.Logf("%d comparisons of %d cases: %+v", trials, rows, s)
	require.GreaterOrEqual(t, float64(s.found), 0.9*float64(trials)-1)
	require.LessOrEqual(t, float64(s.wrong), answers.Significance*float64(trials)+3)
	require.GreaterOrEqual(t, float64(s.within), 0.93*float64(trials)-3)
}
